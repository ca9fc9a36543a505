# SPDX-License-Identifier: MIT
# For the tests of scripts/packaging/RECIPES.md.

# recipe HEADING: its code.
recipe() {
	awk -v heading="## $1" '/^## / { here = $0 == heading } here && /^```/ { inside = !inside; next }
		here && inside' "$top/scripts/packaging/RECIPES.md" >recipe
	[ -s recipe ]
}

checkout() {
	mkdir noselfconn
	(cd "$top" && cp -R Makefile scripts shim tests man "$OLDPWD/noselfconn")
}

connect='exec 3<>/dev/tcp/127.0.0.1/40000 && echo went well'
