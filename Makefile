# noselfconn: see README.md. Everything that is built goes to build/.

CFLAGS ?= -O2 -g
BUILD ?= build

# What the code is written for, whatever CFLAGS says.
STANDARD = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -fPIC -fvisibility=hidden
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
HARDENING = -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LINKING = -shared -Wl,-soname,libnoselfconn.so -Wl,--version-script=shim/exports.map \
	-Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -Wl,--as-needed

SOURCES = $(wildcard shim/*.c)
OBJECTS = $(SOURCES:shim/%.c=$(BUILD)/%.o)
LIBRARY = $(BUILD)/libnoselfconn.so

all: $(LIBRARY)

$(LIBRARY): $(OBJECTS) shim/exports.map
	$(CC) $(CFLAGS) $(LDFLAGS) $(LINKING) -o $@ $(OBJECTS) -ldl

$(BUILD)/%.o: shim/%.c $(wildcard shim/*.h) Makefile | $(BUILD)
	$(CC) $(STANDARD) $(WARNINGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD):
	mkdir -p $@

clean:
	rm -rf $(BUILD)

.PHONY: all clean
