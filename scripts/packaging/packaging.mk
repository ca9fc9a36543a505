# SPDX-License-Identifier: MIT
# Packages; included by the Makefile.

# The files have the date of the release.
dist deb rpm: export SOURCE_DATE_EPOCH ?= $(shell date -u -d "$$(sed -n '1s/.*(\(.*\)).*/\1/p' NEWS)" +%s)

# A tarball that needs nothing else: the same, whoever makes it.
DIST = noselfconn-$(VERSION)
TARBALL = $(BUILD)/$(DIST).tar.gz

dist:
	@mkdir -p $(BUILD)
	tar --force-local -I 'gzip -9n' -cf $(TARBALL) --format=ustar --transform='flags=r;s|^|$(DIST)/|' \
		--sort=name --mtime=@$(SOURCE_DATE_EPOCH) \
		--owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w,a-s,a+X \
		--exclude='*.o' --exclude='*.so' --exclude='*~' --exclude='.*.sw?' --exclude=__pycache__ \
		*.md LICENSE NEWS Makefile .ci .clang-format .clang-tidy .editorconfig .gitignore \
		man scripts shim tests
	@$(call say,$(TARBALL))

# The packages for this distribution: source and binary ones.
DEB = $(BUILD)/deb
DEB_FLAGS ?= -us -uc

deb: dist
	rm -rf $(DEB)
	mkdir -p $(DEB)
	cp $(TARBALL) $(DEB)/noselfconn_$(VERSION).orig.tar.gz
	tar -C $(DEB) -xzf $(TARBALL)
	cp -R scripts/packaging/debian $(DEB)/$(DIST)
	chmod -R u+rw,go+r,go-w,a+X $(DEB)/$(DIST)/debian
	cd $(DEB)/$(DIST) && unset MAKEFLAGS MFLAGS MAKELEVEL && dpkg-buildpackage $(DEB_FLAGS)
	@$(call say,$(DEB)/*.deb)

# Binary packages; for a source package: rpmbuild -ts TARBALL.
RPM = $(BUILD)/rpm
# A Debian system's rpm does not know its compiler, nor its library directory.
RPM_FLAGS ?= $(if $(wildcard /etc/debian_version),--nodeps --define '_libdir /usr/lib/$(MULTIARCH)')
# What the packages tell of the machine that made them.
RPM_FLAGS += --define '_buildhost localhost' --define 'use_source_date_epoch_as_buildtime 1' \
	--define 'clamp_mtime_to_source_date_epoch 1'

rpm: dist
	$(if $(word 2,$(abspath $(RPM))),$(error rpmbuild works in no directory whose path has a blank: $(abspath $(RPM))))
	rm -rf $(RPM)
	unset MAKEFLAGS MFLAGS MAKELEVEL && rpmbuild -bb $(RPM_FLAGS) --define '_topdir $(abspath $(RPM))' \
		--define '_sourcedir $(abspath $(BUILD))' scripts/packaging/noselfconn.spec
	@$(call say,$(RPM)/RPMS/*/*.rpm)

# Builds, lints, installs, tests and purges each, in a Debian system of its own; as root.
check-packages: dist
	@tests/lib/setup.sh mmdebstrap autopkgtest
	scripts/packaging/check-packages $(TARBALL)

.PHONY: dist deb rpm check-packages
