# imq: security events as Unix filters. `make` builds bin/, `make demo` shows it at work, `make check` tests everything.
#
# Nothing is listed by hand: a file in cmd/*/, or a folder there with a main.c, is a command; a .c in common/ belongs
# to the library; a .c in tests/unit/ is a test program and in tests/fuzz/ a fuzz target.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
SHAREDIR ?= $(PREFIX)/share/imq
MANDIR   ?= $(PREFIX)/share/man
CC       ?= cc
CFLAGS   ?= -O3 -g
# Another build beside the usual one: make O=build-clang BIN=bin-clang CC=clang
O        ?= build
BIN      ?= bin
WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
IMQ_CFLAGS := -std=c17 -D_GNU_SOURCE -pthread $(WARNINGS) -Icommon -I$O/gen -I/usr/include/libxml2 -I/usr/include/postgresql -DIMQ_VERSION='"$(VERSION)"' -MMD -MP $(CFLAGS)
# Every library that some command needs; --as-needed links each command with those it uses.
LIBS     := -lyaml -lpcre2-8 -ljansson -lcurl -lsqlite3 -larchive -lmaxminddb -lldns -lpsl -lidn2 -lidn -lunistring -ljq -lxml2 -lhiredis -lssl -lcrypto -lrabbitmq -lrdkafka -lpq -lgpgme -lm

folders  := $(patsubst %/main.c,%,$(wildcard cmd/*/main.c cmd/*/*/main.c))
files    := $(filter-out $(wildcard $(folders:=/*.c)),$(wildcard cmd/*/*.c))
commands := $(folders) $(files:.c=)
# cmd/expert/url -> imq-url, cmd/from/http -> imq-from-http, cmd/parse -> imq-parse, cmd/run/imq -> imq
name      = $(subst imq-imq,imq,imq-$(subst /,-,$(patsubst run/%,%,$(patsubst expert/%,%,$(patsubst convert/%,%,$(1:cmd/%=%))))))
objects   = $(patsubst %.c,$O/%.o,$(sort $(wildcard $1)))
bins     := $(foreach c,$(commands),$(BIN)/$(call name,$c))
library  := $(call objects,common/*.c)
units    := $(patsubst tests/unit/%.c,$O/unit/%,$(wildcard tests/unit/*.c))
fuzzers  := $(patsubst tests/fuzz/%.c,$O/fuzz/%,$(wildcard tests/fuzz/*.c))
benches  := $(patsubst tests/bench/%.c,$O/bench/%,$(wildcard tests/bench/*.c))
generated := $O/gen/field_ids.h $O/gen/field_rows.h $O/gen/config.h

.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:
.PHONY: all demo check unit bench sanitize fuzz lint readme install uninstall deps deps-test clean always

all: $(bins)

$(foreach c,$(commands),$(eval $(BIN)/$(call name,$c): $(call objects,$c.c $c/*.c)))
$(bins): $O/libimq.a
	@mkdir -p $(@D)
	$(CC) $(IMQ_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $O/libimq.a -Wl,--as-needed $(LIBS)

$O/libimq.a: $(library)
	@rm -f $@
	ar rcs $@ $^

$O/common/%.o: common/%.c | $(generated)
	@mkdir -p $(@D)
	$(CC) $(IMQ_CFLAGS) -Wconversion -c -o $@ $<

$O/%.o: %.c | $(generated)
	@mkdir -p $(@D)
	$(CC) $(IMQ_CFLAGS) -c -o $@ $<

$O/gen/field_ids.h: common/field_ids.awk share/fields.tsv
	@mkdir -p $(@D)
	awk -f $^ > $@

$O/gen/field_rows.h: common/field_ids.awk share/fields.tsv
	@mkdir -p $(@D)
	awk -v rows=1 -f $^ > $@

# The place of share/ once installed. Commands in a build tree find it beside themselves; IMQ_SHARE beats both.
# Looked at every time, written when it changes: `make install PREFIX=…` after a plain `make` builds anew what depends on it.
$O/gen/config.h: always
	@mkdir -p $(@D)
	@printf '#define IMQ_SHARE_DIR "%s"\n' '$(SHAREDIR)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$O/unit/%: $O/tests/unit/%.o $O/libimq.a
	@mkdir -p $(@D)
	$(CC) $(IMQ_CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(LIBS)

$O/bench/%: $O/tests/bench/%.o $O/libimq.a
	@mkdir -p $(@D)
	$(CC) $(IMQ_CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(LIBS)

# Fuzz targets are linked by libFuzzer's own main: see the target fuzz.
$O/fuzz/%: $O/tests/fuzz/%.o $O/libimq.a
	@mkdir -p $(@D)
	$(CC) $(IMQ_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group -Wl,--as-needed $(LIBS)

# Those of imq-parse take its pieces from here; others compile in what they test.
$O/fuzz/csv $O/fuzz/feed $O/fuzz/driver: $O/parse.a

$O/parse.a: $(filter-out %/main.o,$(call objects,cmd/parse/*.c))
	@rm -f $@
	ar rcs $@ $^

unit: $(units)
	@tests/run-units $(units)

# Two files at a time: each test has its own folder, ports and servers. GNU parallel does it.
BATS := bats --jobs 2 --no-parallelize-within-files

# What the tests run in; the servers are started and stopped by the tests themselves.
check: deps-test
	@$(MAKE) --no-print-directory all $(units)
	@tests/run-units $(units)
	@$(BATS) tests

demo: deps
	@$(MAKE) --no-print-directory all
	@share/demo/run

bench: all $(benches)
	@O=$O tests/bench/run

sanitize:
	$(MAKE) O=build-asan BIN=bin-asan CFLAGS='$(SANITIZE)' all $(patsubst $O/%,build-asan/%,$(units))
	ASAN_OPTIONS=$(ASAN_OPTIONS) tests/run-units $(patsubst $O/%,build-asan/%,$(units))
	ASAN_OPTIONS=$(ASAN_OPTIONS) IMQ_BIN=$(CURDIR)/bin-asan $(BATS) tests

SANITIZE     := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
ASAN_OPTIONS ?= detect_leaks=1:detect_stack_use_after_return=0
FUZZ_SECONDS ?= 20

fuzz:
	$(MAKE) O=build-fuzz CC=clang CFLAGS='-g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' \
		$(patsubst $O/%,build-fuzz/%,$(fuzzers))
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run-fuzz $(patsubst $O/%,build-fuzz/%,$(fuzzers))

# Not asked of tests: that expressions in single quotes are the shell's, where they are jq's (SC2016); that variables come from the file
# that uses them, or are used in it, where `load` and `run` set them and loops count (SC2034, SC2154); that functions are always
# called with arguments (SC2119, SC2120); that what a test sets lasts beyond it (SC2030, SC2031); that any file name can come
# up where the test has made them all (SC2010, SC2012); matters of taste (SC2001, SC2094).
LINT_TESTS := SC2001,SC2010,SC2012,SC2016,SC2030,SC2031,SC2034,SC2094,SC2119,SC2120,SC2154

lint:
	shellcheck -x .ci/run tests/run-units tests/run-fuzz tests/deps tests/conformance-files tests/readme-table share/demo/run \
		$(wildcard tests/bench/run tests/bench/*.sh)
	shellcheck -x -s bash -e $(LINT_TESTS) $(wildcard tests/*.bash)
	shellcheck -x -s bats -e $(LINT_TESTS) $(wildcard tests/*.bats)
	@for page in man/man*/*; do mandoc -T lint -W warning "$$page" || exit 1; done

# The table of commands in README.md, from what the commands say of themselves.
readme: all
	tests/readme-table > $O/README.md
	@cmp -s $O/README.md README.md || cp $O/README.md README.md

# Debian packages: what building needs, and what the tests need besides. Printed before they are installed; NO_INSTALL=1 refuses.
# There is one mail server to a machine: where another one is, it stays, and the tests of Exim are skipped.
BUILD_PACKAGES := gcc make libc6-dev libyaml-dev libpcre2-dev libjansson-dev libcurl4-openssl-dev libsqlite3-dev libarchive-dev \
	libmaxminddb-dev libldns-dev libpsl-dev libidn2-dev libidn-dev libunistring-dev libjq-dev libxml2-dev libhiredis-dev libssl-dev librabbitmq-dev librdkafka-dev libpq-dev libgpgme-dev libxxhash-dev \
	nginx-light jq
TEST_PACKAGES  := bats parallel clang libclang-rt-14-dev shellcheck mandoc faketime python3 openssl redis-server rabbitmq-server sqlite3 postgresql strace \
	$(if $(wildcard /usr/sbin/sendmail),,exim4-daemon-light) gpg gpg-agent gpgv unzip nsd dnsperf miller time curl libnginx-mod-http-echo git zstd xz-utils bzip2 zip iproute2

deps:
	@tests/deps $(BUILD_PACKAGES)

deps-test:
	@tests/deps $(BUILD_PACKAGES) $(TEST_PACKAGES)

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SHAREDIR) $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(bins) $(DESTDIR)$(BINDIR)
	cp -R share/. $(DESTDIR)$(SHAREDIR)
	for page in man/man*/*; do section=$${page%/*}; \
		install -D -m 644 "$$page" "$(DESTDIR)$(MANDIR)/$${section##*/}/$${page##*/}" || exit 1; done
	for bin in $(bins); do name=$${bin##*/}; \
		$$bin --describe | jq -r --arg name "$$name" '"complete -o default -W \"" + ([.parameters[].option] + ["--help", "--version", "--config", "--describe"] | join(" ")) + "\" " + $$name' \
		> "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$name" || exit 1; done

uninstall:
	rm -f $(foreach b,$(bins),$(DESTDIR)$(BINDIR)/$(notdir $b) $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$(notdir $b))
	rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/%,$(wildcard man/man*/*))
	rm -rf $(DESTDIR)$(SHAREDIR)

clean:
	rm -rf bin build bin-* build-*

-include $(wildcard $O/*/*.d $O/*/*/*.d $O/*/*/*/*.d)
