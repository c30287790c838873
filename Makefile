# Everything is built in one configuration, release, so that tests run what users run and nothing is
# compiled twice. `make help` lists the targets; every one of them runs `setup` first.
#
#   LIBTORCH=<path>   use that LibTorch (an unzipped one, or the `torch` folder of an installed wheel)
#   PREFIX=<path>     where `make install` puts the command (default /usr/local)
#   ORACLE=none       run the tests without the Python readers they compare with
#   FILTER=<regex>    run only the tests whose name matches
#   SEED=, COUNT=     which damaged files `make fuzz` makes, and how many of each format

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: setup build demo methods test fuzz lint docs oracle install bench clean distclean help

PREFIX ?= /usr/local
export LIBTORCH
export PKG_CONFIG_PATH := $(CURDIR)/.deps/pkgconfig:$(PKG_CONFIG_PATH)

# Without testable imports the tests link the very modules that `build` compiled.
SWIFT_BUILD := swift build -c release
SWIFT_TEST := swift test -c release --disable-testable-imports --disable-xctest
DOCUMENTED := SpeechCore SpeechAudio Torch SpeechModels SpeechObjectives SpeechTraining SpeechInference

setup: ## find or fetch system packages, LibTorch and ONNX Runtime
	@Tools/setup.sh

build: setup ## compile the command and the libraries
	$(SWIFT_BUILD)

demo: build ## synthesise a corpus, distil a student, encode with it (minutes)
	Tools/demo.sh

methods: build ## train every method on a synthesised corpus, print their losses and times (minutes)
	Tools/methods.sh

test: setup $(if $(filter none,$(ORACLE)),,oracle) ## run all tests
	$(if $(filter none,$(ORACLE)),,COLLD_ORACLE=$(CURDIR)/.oracle/bin/python) \
	$(SWIFT_TEST) $(if $(FILTER),--filter '$(FILTER)')

fuzz: setup ## read damaged files, each within limits of time and memory (minutes)
	$(SWIFT_BUILD) --product FuzzReaders
	.build/release/FuzzReaders $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

lint: setup ## check formatting, scripts and the set-up's messages
	Tools/lint.sh

docs: setup ## build the documentation; a warning is an error
	Tools/docs.sh $(DOCUMENTED)

oracle: setup ## make the pinned Python environment that tests compare with
	@Tools/oracle.sh

install: build ## install the command and its libraries under PREFIX
	Tools/install.sh "$(PREFIX)"

bench: build oracle ## time distillation, encoders and filterbank beside PyTorch, transformers and Kaldi's
	Tools/benchmark/distill.sh
	.oracle/bin/python Tools/benchmark/encode.py
	Tools/benchmark/fbank.sh

clean: ## delete what was built; keeps the engines and the Python environment
	rm -rf .build .build-docs

distclean: clean ## delete also the engines and the Python environment
	rm -rf .deps .oracle

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
