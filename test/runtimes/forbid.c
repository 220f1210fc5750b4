/*
 * Runs a program to which some system calls are forbidden, as containers and hardened hosts do:
 *
 *     forbid ERRNO CALL[,CALL...] PROGRAM [ARGUMENT...]
 *
 * where the calls are numbers. They fail with that errno in the program and all that it starts.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { calls_max = 16 };

static int failed(const char *what) {
    fprintf(stderr, "forbid: %s: %s\n", what, strerror(errno));
    return 125;
}

int main(int count, char **arguments) {
    if (count < 4) {
        fprintf(stderr, "usage: forbid ERRNO CALL[,CALL...] PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    unsigned error = (unsigned)atoi(arguments[1]);
    struct sock_filter filter[2 * calls_max + 2];
    unsigned short length = 0;
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                    offsetof(struct seccomp_data, nr));
    for (char *call = strtok(arguments[2], ","); call != NULL; call = strtok(NULL, ",")) {
        if (length > 2 * calls_max - 1) return 125;
        unsigned number = (unsigned)atoi(call);
        filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
        filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                                        SECCOMP_RET_ERRNO | (error & 0xffff));
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = length, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no new privileges");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return failed("seccomp");
    execvp(arguments[3], arguments + 3);
    return failed(arguments[3]);
}
