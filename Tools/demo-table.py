"""Prints the table of the demo: error rates, sizes and speed of the models that it has fine-tuned.

Reads NAME.json (colld evaluate), NAME-size.json (colld inspect) and NAME-speed.json (colld benchmark encode)
of a folder, for a teacher, a student and a model without distillation. Ends with 3 where the student is not
better than the last.
"""

import json
import sys


def report(folder, name):
    def read(suffix):
        with open(f"{folder}/{name}{suffix}.json", encoding="utf-8") as file:
            return json.load(file)

    scores, size, speed = read("")["scores"], read("-size"), read("-speed")

    def cer(entry):
        return next(100 * s["value"] for s in entry["scores"] if s["metric"] == "cer" and s["form"] == "raw")

    return {
        "name": name,
        "languages": {entry["language"]: cer(entry) for entry in scores["languages"]},
        "parameters": (size["parameters"] + size["ignored_parameters"]) / 1e6,
        "megabytes": sum(file["bytes"] for file in size["files"] if file["format"] == "safetensors") / 1e6,
        "speed": speed["audio_seconds_per_second"],
    }


def main():
    folder, names = sys.argv[1], sys.argv[2:]
    reports = [report(folder, name) for name in names]
    titles = {
        "teacher": "teacher",
        "student": "student, distilled by CoLLD",
        "scratch": "the same shape, not distilled",
    }
    languages = sorted(reports[0]["languages"])
    for entry in reports:
        entry["mean"] = sum(entry["languages"].values()) / len(languages)
    print()
    print(f"{'CER, %':30}" + "".join(f"{code:>7}" for code in languages)
          + f"{'mean':>7}{'parameters':>13}{'file':>9}{'speed, one thread':>20}")
    for entry in reports:
        print(f"{titles[entry['name']]:30}"
              + "".join(f"{entry['languages'][code]:7.1f}" for code in languages)
              + f"{entry['mean']:7.1f}{entry['parameters']:11.2f} M{entry['megabytes']:6.1f} MB"
              + f"{entry['speed']:12.0f} x real time")
    teacher, student, scratch = reports
    print(f"\nThe student is {teacher['parameters'] / student['parameters']:.1f} times smaller and "
          f"{student['speed'] / teacher['speed']:.1f} times faster than its teacher.")
    if not student["mean"] < scratch["mean"]:
        print("distillation did not lower the error rate", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
