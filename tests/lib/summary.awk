# SPDX-License-Identifier: MIT
# Sums up lines of TAP: what failed, why tests were skipped, and in the last line how many passed.
# Exit status 1 if one failed, or none could test a repair (with optional=1, unless all were
# skipped).
/^1\.\.[0-9]+$/ { planned = substr($0, 4) }
/^not ok / { failures[failed++] = substr($0, 8) }
/^ok / && !/ # skip/ { passed++ }
/^ok .* # skip/ {
	skipped++
	sub(/.* # skip */, "")
	reasons[$0]++
	blind = blind || /network namespaces/
}
END {
	if (failed > 0)
		print "\nfailed:"
	for (i = 0; i < failed; i++)
		print "  " failures[i]
	if (skipped > 0)
		print "\nskipped:"
	for (reason in reasons)
		printf "%5d %s\n", reasons[reason], reason | "sort -rn"
	close("sort -rn")
	print ""
	if (blind)
		print "No repair could be tested: that needs network namespaces."
	missing = planned - passed - failed - skipped
	if (missing > 0)
		print missing " tests did not run."
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0 || blind || missing > 0 || (passed == 0 && !optional)
}
