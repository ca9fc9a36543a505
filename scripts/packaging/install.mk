# SPDX-License-Identifier: MIT
# Installation; included by the Makefile.
#
# PRELOAD is the value of LD_PRELOAD: if LIBDIR is that of a Debian architecture, with glibc's $LIB,
# so that one wrapper serves several architectures.
PREFIX ?= /usr/local
override PREFIX := $(call absolute,$(PREFIX))
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
MULTIARCH = $(shell $(CC) $(CFLAGS) -print-multiarch 2>/dev/null)
PRELOAD = $(if $(MULTIARCH),$(subst /lib/$(MULTIARCH),/$$LIB,$(LIBDIR)),$(LIBDIR))/libnoselfconn.so
LIBEXECDIR ?= $(LIBDIR)
PARTS = $(LIBEXECDIR)/noselfconn
INSTALL ?= install
# place NAME,VALUE: for sed, a line of the wrapper.
place = -e $(call quoted,s|^nsc_$1=.*|nsc_$1=$(subst |,\|,$(subst &,\&,$(subst \,\\,$(call quoted,$2))))|)

install: all
	umask 022 && mkdir -p "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(PARTS)" \
		"$(DESTDIR)$(MANDIR)/man1" "$(DESTDIR)$(MANDIR)/man7" \
		"$(DESTDIR)$(BASHCOMPDIR)" "$(DESTDIR)$(ZSHCOMPDIR)"
	rm -f "$(DESTDIR)$(BINDIR)/noselfconn" # it may be a link
	sed $(call place,library,$(LIBDIR)/libnoselfconn.so) $(call place,preload,$(PRELOAD)) \
		$(call place,parts,$(PARTS)) scripts/noselfconn >"$(DESTDIR)$(BINDIR)/noselfconn"
	chmod 755 "$(DESTDIR)$(BINDIR)/noselfconn"
	$(INSTALL) -m 644 $(LIBRARY) "$(DESTDIR)$(LIBDIR)/libnoselfconn.so"
	$(INSTALL) -m 755 $(PROGRAMS) "$(DESTDIR)$(PARTS)"
	$(INSTALL) -m 644 scripts/check scripts/demo "$(DESTDIR)$(PARTS)"
	for page in $(wildcard man/*.[17]); do \
		$(INSTALL) -m 644 $$page "$(DESTDIR)$(MANDIR)/man$${page##*.}" || exit; done
	$(INSTALL) -m 644 scripts/completions/noselfconn.bash "$(DESTDIR)$(BASHCOMPDIR)/noselfconn"
	$(INSTALL) -m 644 scripts/completions/_noselfconn "$(DESTDIR)$(ZSHCOMPDIR)/_noselfconn"

uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/noselfconn" "$(DESTDIR)$(LIBDIR)/libnoselfconn.so" \
		"$(DESTDIR)$(MANDIR)/man1/noselfconn.1" "$(DESTDIR)$(MANDIR)/man7/libnoselfconn.7" \
		"$(DESTDIR)$(BASHCOMPDIR)/noselfconn" "$(DESTDIR)$(ZSHCOMPDIR)/_noselfconn"
	for part in start supervise check demo; do rm -f "$(DESTDIR)$(PARTS)/$$part" || exit; done
	for directory in "$(DESTDIR)$(PARTS)" "$(DESTDIR)$(LIBDIR)"; do \
		case $$directory in */noselfconn) rmdir "$$directory" 2>/dev/null || : ;; esac; done

.PHONY: install uninstall
