// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC as a program under test.
#include "tests/sim/euicc/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 32, BLOCK = 255 };

static void path_in(const struct rig *rig, const char *name, char *ret_path, size_t size)
{
    int len = snprintf(ret_path, size, "%s/%s", rig->dir, name);
    assert_true(len > 0 && (size_t)len < size);
}

void rig_init(struct rig *rig, const char *program, const char *base, const char *credentials)
{
    *rig = (struct rig){.program = program, .fd = -1};
    assert_true((size_t)snprintf(rig->credentials, sizeof rig->credentials, "%s", credentials) <
                sizeof rig->credentials);
    assert_true((size_t)snprintf(rig->dir, sizeof rig->dir, "%s/rig-XXXXXX", base) < sizeof rig->dir);
    assert_non_null(mkdtemp(rig->dir));
}

void rig_file_write(struct rig *rig, const char *name, const char *text)
{
    char path[2 * RIG_PATH];
    path_in(rig, name, path, sizeof path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

bool rig_log_has(struct rig *rig, const char *text)
{
    char path[2 * RIG_PATH];
    path_in(rig, "apdu.log", path, sizeof path);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (!found && getline(&line, &size, file) > 0) {
        found = strstr(line, text) != NULL;
    }
    free(line);
    fclose(file);
    return found;
}

static void program_exec(struct rig *rig, int ready, const char *const *extra)
{
    char paths[4][2 * RIG_PATH];
    char fd[16];
    char credentials[RIG_PATH];
    char flags[][16] = {"--credentials", "--state", "--listen", "--apdu-log", "--faults", "--ready-fd"};
    char name[] = "sim-euicc";
    path_in(rig, "state.json", paths[0], sizeof paths[0]);
    assert_true((size_t)snprintf(paths[1], sizeof paths[1], "unix:%s/socket", rig->dir) < sizeof paths[1]);
    path_in(rig, "apdu.log", paths[2], sizeof paths[2]);
    path_in(rig, "faults.json", paths[3], sizeof paths[3]);
    assert_true((size_t)snprintf(fd, sizeof fd, "%d", ready) < sizeof fd);
    memcpy(credentials, rig->credentials, sizeof credentials);
    char *args[ARGS_MAX] = {name,     flags[0], credentials, flags[1], paths[0], flags[2], paths[1],
                            flags[3], paths[2], flags[4],    paths[3], flags[5], fd};
    size_t count = 13;
    for (size_t i = 0; extra != NULL && extra[i] != NULL && count < ARGS_MAX - 1; i++) {
        args[count++] = strdup(extra[i]);
    }
    // A test that fails half-way must not leave its card behind.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(rig->program, args);
    _exit(127);
}

void rig_start(struct rig *rig, const char *const *extra)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        close(ready[0]);
        program_exec(rig, ready[1], extra);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    rig_connect(rig);
    rig_select(rig);
}

void rig_connect(struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", rig->dir);
    assert_true(len > 0 && (size_t)len < sizeof address.sun_path);
    rig->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(rig->fd >= 0);
    assert_int_equal(connect(rig->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void rig_disconnect(struct rig *rig)
{
    if (rig->fd >= 0) {
        close(rig->fd);
    }
    rig->fd = -1;
}

void rig_select(struct rig *rig)
{
    struct tlvb out = TLVB_INIT;
    assert_int_equal(rig_apdu_hex(rig, "80AA000005A903830107", &out), 0x9000);
    assert_int_equal(rig_apdu_hex(rig, "0070000001", &out), 0x9000);
    assert_int_equal(out.len, 1);
    rig->channel = out.buf[0];
    uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x10, 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10,
                        0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00};
    select[0] = (uint8_t)(rig->channel < 4 ? rig->channel : 0x40 | (rig->channel - 4));
    unsigned sw = rig_apdu(rig, slice_of(select, sizeof select), &out);
    assert_true(sw == 0x9000 || sw >> 8 == 0x61);
    tlvb_free(&out);
}

static int program_wait(struct rig *rig)
{
    int status = 0;
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    rig->pid = 0;
    rig_disconnect(rig);
    return status;
}

void rig_stop(struct rig *rig)
{
    assert_int_equal(kill(rig->pid, SIGTERM), 0);
    int status = program_wait(rig);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

void rig_kill(struct rig *rig)
{
    assert_int_equal(kill(rig->pid, SIGKILL), 0);
    assert_true(WIFSIGNALED(program_wait(rig)));
}

static bool read_exact(int fd, uint8_t *ret_bytes, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t got = read(fd, ret_bytes + have, len - have);
        if (got <= 0 && errno != EINTR) {
            return false;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    return true;
}

unsigned rig_apdu(struct rig *rig, struct slice apdu, struct tlvb *out)
{
    static uint8_t answer[65536];
    uint8_t length[2] = {(uint8_t)(apdu.len >> 8), (uint8_t)apdu.len};
    assert_int_equal(send(rig->fd, length, 2, MSG_NOSIGNAL), 2);
    assert_int_equal(send(rig->fd, apdu.data, apdu.len, MSG_NOSIGNAL), (ssize_t)apdu.len);
    errno = 0;
    if (!read_exact(rig->fd, length, 2)) {
        return 0;
    }
    size_t len = (size_t)length[0] << 8 | length[1];
    if (len < 2 || !read_exact(rig->fd, answer, len)) {
        return 0;
    }
    tlvb_raw(out, answer, len - 2);
    return (unsigned)answer[len - 2] << 8 | answer[len - 1];
}

void hex_bytes(const char *hex, struct tlvb *out)
{
    static uint8_t bytes[65536];
    size_t len = 0;
    assert_int_equal(OPENSSL_hexstr2buf_ex(bytes, sizeof bytes, &len, hex, '\0'), 1);
    tlvb_raw(out, bytes, len);
}

unsigned rig_apdu_hex(struct rig *rig, const char *hex, struct tlvb *out)
{
    struct tlvb apdu = TLVB_INIT;
    hex_bytes(hex, &apdu);
    unsigned sw = rig_apdu(rig, tlvb_get(&apdu), out);
    tlvb_free(&apdu);
    return sw;
}

static uint8_t class_of(const struct rig *rig)
{
    return (uint8_t)(rig->channel < 4 ? 0x80 | rig->channel : 0xC0 | (rig->channel - 4));
}

unsigned rig_es10(struct rig *rig, struct slice command, struct tlvb *out)
{
    unsigned sw = 0x9000;
    uint8_t block = 0;
    while (command.len > 0 && sw == 0x9000) {
        size_t len = command.len < BLOCK ? command.len : BLOCK;
        uint8_t apdu[5 + BLOCK] = {class_of(rig), 0xE2, len == command.len ? 0x91 : 0x11, block++,
                                   (uint8_t)len};
        memcpy(apdu + 5, command.data, len);
        command = slice_of(command.data + len, command.len - len);
        sw = rig_apdu(rig, slice_of(apdu, 5 + len), out);
    }
    while (sw >> 8 == 0x61) {
        uint8_t apdu[5] = {class_of(rig), 0xC0, 0x00, 0x00, (uint8_t)sw};
        sw = rig_apdu(rig, slice_of(apdu, sizeof apdu), out);
    }
    return sw;
}

void rig_expect(struct rig *rig, const char *command, const char *response)
{
    struct tlvb request = TLVB_INIT;
    struct tlvb want = TLVB_INIT;
    struct tlvb is = TLVB_INIT;
    hex_bytes(command, &request);
    hex_bytes(response, &want);
    unsigned sw = rig_es10(rig, tlvb_get(&request), &is);
    assert_int_equal(sw & 0xF000, 0x9000);
    assert_int_equal(is.len, want.len);
    assert_memory_equal(is.buf, want.buf, want.len);
    tlvb_free(&request);
    tlvb_free(&want);
    tlvb_free(&is);
}
