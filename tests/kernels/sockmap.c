/* SPDX-License-Identifier: MIT */
/*
 * sockmap COMMAND...: runs the command in a cgroup, whose BPF program puts each TCP socket into
 * a sockmap once it is connected, as service meshes do: before connect() returns. From then on
 * the socket's functions are those of tcp_bpf. In the end it says how many sockets were put
 * there. Exit status 125: that can't be done here.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int bpf(enum bpf_cmd command, union bpf_attr attr)
{
	int result = (int)syscall(SYS_bpf, command, &attr, sizeof attr);
	if (result < 0)
		err(125, "bpf(%d)", command);
	return result;
}

/* With a single value. */
static int map(enum bpf_map_type type)
{
	return bpf(BPF_MAP_CREATE,
	           (union bpf_attr) {
	                   .map_type = type, .key_size = 4, .value_size = 8, .max_entries = 1});
}

#define INSTRUCTION(what, to, from, offset, value)                                             \
	(struct bpf_insn)                                                                      \
	{                                                                                      \
		.code = (what), .dst_reg = (to), .src_reg = (from), .off = (offset),           \
		.imm = (value)                                                                 \
	}
#define COPY(to, from) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define ADD(to, value) INSTRUCTION(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define MAP(to, fd)                                                                            \
	INSTRUCTION(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd),                  \
	        INSTRUCTION(0, 0, 0, 0, 0)
#define LOAD(to, from, offset) INSTRUCTION(BPF_LDX | BPF_W | BPF_MEM, to, from, offset, 0)
#define STORE(to, offset, value) INSTRUCTION(BPF_ST | BPF_W | BPF_MEM, to, 0, offset, value)
#define SKIP(count, test, of, value) INSTRUCTION(BPF_JMP | (test) | BPF_K, of, 0, count, value)
#define INCREASE(to, by) INSTRUCTION(BPF_STX | BPF_DW | BPF_XADD, to, by, 0, 0)
#define CALL(function) INSTRUCTION(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define EXIT INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Of a cgroup: puts the socket into one map, and counts it in the other. */
static int program(int sockets, int count)
{
	const struct bpf_insn code[] = {
	        LOAD(2, 1, offsetof(struct bpf_sock_ops, op)),
	        SKIP(1, BPF_JEQ, 2, BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB),
	        SKIP(16, BPF_JNE, 2, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB),
	        STORE(10, -4, 0),
	        MAP(2, sockets),
	        COPY(3, 10),
	        ADD(3, -4),
	        SET(4, BPF_ANY),
	        CALL(BPF_FUNC_sock_map_update),
	        SKIP(8, BPF_JNE, 0, 0),
	        MAP(1, count),
	        COPY(2, 10),
	        ADD(2, -4),
	        CALL(BPF_FUNC_map_lookup_elem),
	        SKIP(2, BPF_JEQ, 0, 0),
	        SET(1, 1),
	        INCREASE(0, 1),
	        SET(0, 1),
	        EXIT,
	};
	return bpf(BPF_PROG_LOAD, (union bpf_attr) {.prog_type = BPF_PROG_TYPE_SOCK_OPS,
	                                            .insns = (uintptr_t)code,
	                                            .insn_cnt = sizeof code / sizeof *code,
	                                            .license = (uintptr_t) "GPL"});
}

/* The command, which waits until go has an end. */
static pid_t command(char **argv, const int go[2])
{
	char byte;
	pid_t child = fork();
	if (child != 0)
		return child;
	close(go[1]);
	read(go[0], &byte, 1);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

/* Puts the process into a cgroup that has the program; nobody else sees where it is mounted. */
static void put_into_cgroup(pid_t pid, const char *name, int with)
{
	int dir, procs;
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("cgroup2", "/proc", "cgroup2", 0, NULL) != 0 || chdir("/proc") != 0 ||
	    mkdir(name, 0700) != 0 || (dir = open(name, O_RDONLY | O_CLOEXEC)) < 0)
		err(125, "cgroup2");
	bpf(BPF_PROG_ATTACH, (union bpf_attr) {.target_fd = (unsigned)dir,
	                                       .attach_bpf_fd = (unsigned)with,
	                                       .attach_type = BPF_CGROUP_SOCK_OPS});
	procs = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (dprintf(procs, "%d", pid) < 0)
		err(125, "cgroup.procs");
}

int main(int argc, char **argv)
{
	int go[2], status, key = 0;
	uint64_t put = 0;
	char name[32];
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	if (argc < 2)
		errx(125, "usage: sockmap COMMAND...");
	setrlimit(RLIMIT_MEMLOCK, &none); /* maps counted as locked memory once */
	int count = map(BPF_MAP_TYPE_ARRAY), with = program(map(BPF_MAP_TYPE_SOCKMAP), count);
	pipe2(go, O_CLOEXEC);
	pid_t child = command(argv + 1, go);
	snprintf(name, sizeof name, "noselfconn-%d", child);
	put_into_cgroup(child, name, with);
	close(go[1]);
	waitpid(child, &status, 0);
	rmdir(name);
	bpf(BPF_MAP_LOOKUP_ELEM, (union bpf_attr) {.map_fd = (unsigned)count,
	                                           .key = (uintptr_t)&key,
	                                           .value = (uintptr_t)&put});
	printf("in a sockmap: %llu\n", (unsigned long long)put);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
