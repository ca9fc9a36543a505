# Packages; included by the Makefile.

# A tarball that needs nothing else.
DIST = noselfconn-$(VERSION)

dist:
	@mkdir -p $(BUILD)
	tar --transform='flags=r;s|^|$(DIST)/|' --sort=name --owner=0 --group=0 --numeric-owner -czf \
		$(BUILD)/$(DIST).tar.gz $(wildcard README.md) LICENSE Makefile .ci .clang-format .clang-tidy \
		.editorconfig .gitignore man scripts shim tests

# A package for the Debian release that it is made on.
DEB = $(BUILD)/deb

deb: all
	rm -rf $(DEB)
	$(MAKE) install DESTDIR=$(DEB) PREFIX=/usr LIBDIR=/usr/lib/$(MULTIARCH) \
		ZSHCOMPDIR=/usr/share/zsh/vendor-completions
	$(INSTALL) -D -m 644 LICENSE $(DEB)/usr/share/doc/noselfconn/copyright
	$(INSTALL) -d $(DEB)/DEBIAN
	glibc=$$(objdump -T $(LIBRARY) $(BUILD)/start | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1) && \
	printf '%s\n' 'Package: noselfconn' 'Version: $(VERSION)' 'Section: net' 'Priority: optional' \
		"Architecture: $$(dpkg --print-architecture)" "Depends: libc6 (>= $${glibc#GLIBC_})" \
		'Suggests: bash' 'Maintainer: noselfconn <noselfconn@localhost>' \
		'Description: keeps programs from being connected to themselves' \
		' A TCP client that connects to a local port where nothing listens can be given' \
		' that very port as its own, and then talks to itself. A program that is run with' \
		' noselfconn is never handed such a connection.' >$(DEB)/DEBIAN/control
	dpkg-deb --root-owner-group --build $(DEB) $(BUILD)

.PHONY: dist deb
