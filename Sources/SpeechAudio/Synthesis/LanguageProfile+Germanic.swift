extension LanguageProfile {
    static let germanic = [english, german, dutch, swedish, danish, norwegian, afrikaans]

    /// The language of the translations: it has a template for every kind.
    package static let english = LanguageProfile(
        code: "en", voice: "en-us", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth \
            thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
            """,
            twenties: "twenty-{}",
            units: "first second third fourth fifth sixth seventh eighth ninth",
            last: ["thirtieth", "thirty-first"]),
        phrases: .english,
        templates: [
            .today: "today is {weekday}",
            .yesterday: "yesterday was {weekday}",
            .tomorrow: "tomorrow is {weekday}",
            .month: "the month is called {month}",
            .country: "the country is called {country}",
            .language: "the language is called {language}",
            .numbered: "number {number}",
            .page: "page {small}",
            .room: "room {small}",
            .sum: "{a} plus {b} is {c}",
            .date: "{weekday}, the {day} of {dateMonth}",
            .dateWithYear: "{weekday}, the {day} of {dateMonth}, {year}",
        ])

    private static let german = LanguageProfile(
        code: "de", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte elfte zwölfte \
            dreizehnte vierzehnte fünfzehnte sechzehnte siebzehnte achtzehnte neunzehnte zwanzigste
            """,
            twenties: "{}undzwanzigste",
            units: "ein zwei drei vier fünf sechs sieben acht neun",
            last: ["dreißigste", "einunddreißigste"]),
        phrases: .german,
        templates: [
            .today: "heute ist {weekday}",
            .yesterday: "gestern war {weekday}",
            .tomorrow: "morgen ist {weekday}",
            .month: "der Monat heißt {month}",
            .country: "das Land heißt {country}",
            .language: "die Sprache heißt {language}",
            .numbered: "Nummer {number}",
            .page: "Seite {small}",
            .room: "Zimmer {small}",
            .sum: "{a} plus {b} ist {c}",
            .date: "{weekday}, der {day} {dateMonth}",
            .dateWithYear: "{weekday}, der {day} {dateMonth} {year}",
        ])

    private static let dutch = LanguageProfile(
        code: "nl", numberLimit: 999_999,
        phrases: .dutch,
        templates: [
            .today: "vandaag is het {weekday}",
            .yesterday: "gisteren was het {weekday}",
            .tomorrow: "morgen is het {weekday}",
            .month: "de maand heet {month}",
            .country: "het land heet {country}",
            .language: "de taal heet {language}",
            .numbered: "nummer {number}",
            .page: "pagina {small}",
            .room: "kamer {small}",
            .sum: "{a} plus {b} is {c}",
            .date: "{weekday} {day} {dateMonth}",
            .dateWithYear: "{weekday} {day} {dateMonth} {year}",
        ])

    private static let swedish = LanguageProfile(
        code: "sv", numberLimit: 999,
        dayNames: .ordinals(
            """
            första andra tredje fjärde femte sjätte sjunde åttonde nionde tionde elfte tolfte \
            trettonde fjortonde femtonde sextonde sjuttonde artonde nittonde tjugonde
            """,
            twenties: "tjugo{}",
            units: "första andra tredje fjärde femte sjätte sjunde åttonde nionde",
            last: ["trettionde", "trettioförsta"]),
        phrases: .swedish,
        templates: [
            .today: "i dag är det {weekday}",
            .yesterday: "i går var det {weekday}",
            .tomorrow: "i morgon är det {weekday}",
            .month: "månaden heter {month}",
            .country: "landet heter {country}",
            .language: "språket heter {language}",
            .numbered: "nummer {number}",
            .page: "sida {small}",
            .room: "rum {small}",
            .sum: "{a} plus {b} är {c}",
            .date: "{weekday} den {day} {dateMonth}",
        ])

    private static let danish = LanguageProfile(
        code: "da", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            første anden tredje fjerde femte sjette syvende ottende niende tiende ellevte tolvte \
            trettende fjortende femtende sekstende syttende attende nittende tyvende
            """,
            twenties: "{}ogtyvende",
            units: "en to tre fire fem seks syv otte ni",
            last: ["tredivte", "enogtredivte"]),
        phrases: .danish,
        templates: [
            .today: "i dag er det {weekday}",
            .yesterday: "i går var det {weekday}",
            .tomorrow: "i morgen er det {weekday}",
            .month: "måneden hedder {month}",
            .country: "landet hedder {country}",
            .language: "sproget hedder {language}",
            .numbered: "nummer {number}",
            .page: "side {small}",
            .room: "værelse {small}",
            .sum: "{a} plus {b} er {c}",
            .date: "{weekday} den {day} {dateMonth}",
        ])

    private static let norwegian = LanguageProfile(
        code: "nb", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            første andre tredje fjerde femte sjette sjuende åttende niende tiende ellevte tolvte \
            trettende fjortende femtende sekstende syttende attende nittende tjuende
            """,
            twenties: "tjue{}",
            units: "første andre tredje fjerde femte sjette sjuende åttende niende",
            last: ["trettiende", "trettiførste"]),
        phrases: .norwegian,
        templates: [
            .today: "i dag er det {weekday}",
            .yesterday: "i går var det {weekday}",
            .tomorrow: "i morgen er det {weekday}",
            .month: "måneden heter {month}",
            .country: "landet heter {country}",
            .language: "språket heter {language}",
            .numbered: "nummer {number}",
            .page: "side {small}",
            .room: "rom {small}",
            .sum: "{a} pluss {b} er {c}",
            .date: "{weekday} {day} {dateMonth}",
        ])

    private static let afrikaans = LanguageProfile(
        code: "af", numberLimit: 999_999,
        phrases: .afrikaans,
        templates: [
            .today: "vandag is dit {weekday}",
            .yesterday: "gister was dit {weekday}",
            .tomorrow: "môre is dit {weekday}",
            .month: "die maand se naam is {month}",
            .country: "die land se naam is {country}",
            .language: "die taal se naam is {language}",
            .numbered: "nommer {number}",
            .page: "bladsy {small}",
            .room: "kamer {small}",
            .sum: "{a} plus {b} is {c}",
            .date: "{weekday} {day} {dateMonth}",
        ])
}
