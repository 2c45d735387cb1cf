// SPDX-License-Identifier: Apache-2.0
// The PC/SC transport against a scripted libpcsclite: what the library can say, and a library that waits for
// ever. Needs no pcscd and no privilege.
#include "cardd/transports/transport.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <winscard.h>

#define CARD    77
#define CONTEXT 5

// --- the library ---

struct answer {
    LONG rv;
    const char *bytes; // NULL: none
    size_t len;
    bool wait; // until the connection is shut down, as the library does
};

static struct {
    int fds[2]; // the connection, pcscd's end
    const char *readers;
    size_t readers_len;
    const char *with_card; // the readers in which there is one; as `readers`
    DWORD protocol;
    LONG establish, status, reconnect;
    const struct answer *answers;
    size_t answer_count, next;
    // What was asked of it.
    char sent[32][TRANSPORT_COMMAND_MAX];
    size_t sent_len[32];
    size_t sent_count;
    char connected[MAX_READERNAME];
    DWORD share, reconnected_how, disconnected_how;
    unsigned reconnects, disconnects;
} lib;

static void wait_for_end(void)
{
    struct pollfd p = {.fd = lib.fds[0], .events = POLLIN};
    char byte;
    while (poll(&p, 1, -1) < 0)
        ;
    assert_int_equal(read(lib.fds[0], &byte, 1), 0);
}

LONG SCardEstablishContext(DWORD scope, LPCVOID first, LPCVOID second, LPSCARDCONTEXT ret)
{
    assert_true(scope == SCARD_SCOPE_SYSTEM && first == NULL && second == NULL);
    if (lib.establish != SCARD_S_SUCCESS)
        return lib.establish;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, lib.fds), 0);
    // pcscd's end is not among this process's.
    int far = fcntl(lib.fds[1], F_DUPFD_CLOEXEC, 200);
    close(lib.fds[1]);
    lib.fds[1] = far;
    *ret = CONTEXT;
    return SCARD_S_SUCCESS;
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    assert_int_equal(context, CONTEXT);
    close(lib.fds[0]);
    close(lib.fds[1]);
    return SCARD_S_SUCCESS;
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR ret, LPDWORD len)
{
    assert_true(context == CONTEXT && groups == NULL);
    if (lib.readers == NULL)
        return SCARD_E_NO_READERS_AVAILABLE;
    assert_true(*len >= lib.readers_len);
    memcpy(ret, lib.readers, lib.readers_len);
    *len = lib.readers_len;
    return SCARD_S_SUCCESS;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR name, DWORD share, DWORD protocols, LPSCARDHANDLE ret,
                  LPDWORD ret_protocol)
{
    assert_true(context == CONTEXT && protocols == (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1));
    if (lib.with_card == NULL || strstr(name, lib.with_card) == NULL)
        return SCARD_E_NO_SMARTCARD;
    strncpy(lib.connected, name, sizeof lib.connected - 1);
    lib.share = share;
    *ret = CARD;
    *ret_protocol = lib.protocol;
    return SCARD_S_SUCCESS;
}

LONG SCardReconnect(SCARDHANDLE card, DWORD share, DWORD protocols, DWORD how, LPDWORD ret_protocol)
{
    assert_true(card == CARD && share == lib.share && protocols == (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1));
    lib.reconnected_how = how;
    lib.reconnects++;
    *ret_protocol = lib.protocol;
    return lib.reconnect;
}

LONG SCardDisconnect(SCARDHANDLE card, DWORD how)
{
    assert_int_equal(card, CARD);
    lib.disconnected_how = how;
    lib.disconnects++;
    return SCARD_S_SUCCESS;
}

LONG SCardStatus(SCARDHANDLE card, LPSTR name, LPDWORD name_len, LPDWORD state, LPDWORD protocol, LPBYTE atr,
                 LPDWORD atr_len)
{
    assert_true(card == CARD && name == NULL && name_len == NULL && state == NULL && protocol == NULL &&
                atr == NULL && atr_len == NULL);
    return lib.status;
}

LONG SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *pci, LPCBYTE command, DWORD len,
                   SCARD_IO_REQUEST *ret_pci, LPBYTE ret, LPDWORD ret_len)
{
    assert_true(card == CARD && ret_pci == NULL);
    assert_int_equal(pci->dwProtocol, lib.protocol);
    assert_true(lib.next < lib.answer_count && lib.sent_count < 32 && len <= TRANSPORT_COMMAND_MAX);
    memcpy(lib.sent[lib.sent_count], command, len);
    lib.sent_len[lib.sent_count++] = len;
    const struct answer *a = &lib.answers[lib.next];
    // The last answer is given for ever.
    if (lib.next + 1 < lib.answer_count)
        lib.next++;
    if (a->wait)
        wait_for_end();
    if (a->rv == SCARD_S_SUCCESS) {
        assert_true(a->len <= *ret_len);
        memcpy(ret, a->bytes, a->len);
        *ret_len = a->len;
    }
    return a->rv;
}

// --- the tests ---

#define ONE_READER "Example Reader 00 00\0"
#define OK(b)                                                                                                \
    {                                                                                                        \
        SCARD_S_SUCCESS, (b), sizeof(b) - 1, false                                                           \
    }
#define SCRIPT(a) lib.answers = (a), lib.answer_count = sizeof(a) / sizeof(a)[0], lib.next = 0

static const char get[] = "\x00\xC0\x00\x00\x10";
static struct transport t;

static enum err prepare(const char *reader, bool shared)
{
    static const uint8_t standard[] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10},
                         vendor[] = {0xA0, 0x01, 0x02, 0x03, 0x04};
    struct transport_options o = {
        .reader = reader,
        .shared = shared,
        .isdr_aids = {bytes_make(standard, sizeof standard), bytes_make(vendor, sizeof vendor)},
        .isdr_aid_count = 2,
    };
    assert_int_equal(transport_open("pcsc", open("/dev/null", O_RDWR | O_CLOEXEC), &t), ERR_OK);
    return transport_prepare(&t, &o);
}

static int set_up(void **state)
{
    (void)state;
    memset(&lib, 0, sizeof lib);
    lib.readers = ONE_READER;
    lib.readers_len = sizeof ONE_READER;
    lib.with_card = "Example";
    lib.protocol = SCARD_PROTOCOL_T1;
    return 0;
}

static enum err transmit(struct bytes command, int timeout_ms, size_t *ret_len)
{
    uint8_t response[TRANSPORT_RESPONSE_MAX];
    return transport_transmit(&t, command, timeout_ms, response, ret_len);
}

static void expect_sent(size_t i, const char *bytes, size_t len)
{
    assert_true(i < lib.sent_count);
    assert_int_equal(lib.sent_len[i], len);
    assert_memory_equal(lib.sent[i], bytes, len);
}

static void the_contract_of_the_descriptor(void **state)
{
    (void)state;
    int pair[2];
    static const struct transport_options none;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(transport_open("pcsc", pair[0], &t), ERR_OK);
    assert_int_equal(transport_prepare(&t, &none), ERR_INPUT);
    transport_close(&t);
    assert_int_equal(transport_open("sim", pair[1], &t), ERR_OK);
    assert_int_equal(transport_prepare(&t, &none), ERR_OK);
    transport_close(&t);
    assert_int_equal(transport_open("sim", open("/dev/null", O_RDWR | O_CLOEXEC), &t), ERR_OK);
    assert_int_equal(transport_prepare(&t, &none), ERR_INPUT);
    transport_close(&t);
}

static void nothing_to_connect_to(void **state)
{
    (void)state;
    lib.establish = SCARD_E_NO_SERVICE;
    assert_int_equal(prepare(NULL, false), ERR_CARD_GONE);
    transport_close(&t);
    lib.establish = SCARD_S_SUCCESS;
    lib.readers = NULL;
    assert_int_equal(prepare("Example", false), ERR_CARD_GONE);
    transport_close(&t);
    lib.readers = ONE_READER;
    assert_int_equal(prepare("Other", false), ERR_CARD_GONE);
    transport_close(&t);
    lib.with_card = NULL;
    assert_int_equal(prepare("Example", false), ERR_CARD_GONE);
    transport_close(&t);
    assert_int_equal(lib.disconnects, 0);
}

static void the_descriptor_is_the_library_s(void **state)
{
    (void)state;
    assert_int_equal(prepare("Example", false), ERR_OK);
    assert_int_equal(t.fd, lib.fds[0]);
    struct pollfd p = {.fd = t.fd, .events = POLLRDHUP};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(shutdown(lib.fds[1], SHUT_RDWR), 0);
    assert_int_equal(poll(&p, 1, 0), 1);
    transport_close(&t);
}

static void alone_or_shared(void **state)
{
    (void)state;
    assert_int_equal(prepare("Example", false), ERR_OK);
    assert_int_equal(lib.share, SCARD_SHARE_EXCLUSIVE);
    assert_int_equal(transport_reset(&t), ERR_OK);
    assert_int_equal(lib.reconnected_how, SCARD_RESET_CARD);
    transport_close(&t);
    assert_int_equal(lib.disconnected_how, SCARD_UNPOWER_CARD);
    assert_int_equal(prepare("Example", true), ERR_OK);
    assert_int_equal(lib.share, SCARD_SHARE_SHARED);
    transport_close(&t);
    assert_int_equal(lib.disconnected_how, SCARD_LEAVE_CARD);
}

// Without a name: the channel is opened, both AIDs are tried, the channel is given back.
static void the_card_is_asked(void **state)
{
    (void)state;
    static const struct answer yes[] = {OK("\x05\x90\x00"), OK("\x6A\x82"), OK("\x6A\x86"), OK("\x61\x20"),
                                        OK("\x90\x00")};
    SCRIPT(yes);
    assert_int_equal(prepare(NULL, false), ERR_OK);
    expect_sent(0, "\x00\x70\x00\x00\x01", 5);
    expect_sent(1, "\x41\xA4\x04\x00\x06\xA0\x00\x00\x05\x59\x10", 11);
    expect_sent(2, "\x41\xA4\x04\x0C\x06\xA0\x00\x00\x05\x59\x10", 11);
    expect_sent(3, "\x41\xA4\x04\x00\x05\xA0\x01\x02\x03\x04", 10);
    expect_sent(4, "\x00\x70\x80\x05\x00", 5);
    transport_close(&t);

    static const struct answer no[] = {OK("\x01\x90\x00"), OK("\x6A\x82")};
    SCRIPT(no);
    lib.disconnects = 0;
    assert_int_equal(prepare(NULL, false), ERR_CARD_GONE);
    assert_int_equal(lib.disconnects, 1);
    transport_close(&t);

    // A channel that no card has is not used.
    static const struct answer odd[] = {OK("\xFF\x90\x00")};
    SCRIPT(odd);
    lib.sent_count = 0;
    assert_int_equal(prepare(NULL, false), ERR_CARD_GONE);
    assert_int_equal(lib.sent_count, 1);
    transport_close(&t);
}

static void both_protocols(void **state)
{
    (void)state;
    static const struct {
        const char *command, *t0;
        size_t len, t0_len;
    } rows[] = {
        {"\x00\x70\x80\x01",             "\x00\x70\x80\x01\x00",         4, 5}, // case 1
        {"\x00\xC0\x00\x00\x10",         "\x00\xC0\x00\x00\x10",         5, 5}, // case 2
        {"\x80\xE2\x91\x00\x02\x01\x02", "\x80\xE2\x91\x00\x02\x01\x02", 7, 7}, // case 3
        {"\x80\xE2\x91\x00\x01\x07\x00", "\x80\xE2\x91\x00\x01\x07",     7, 6}, // case 4
    };
    static const struct answer ok[] = {OK("\x90\x00")};
    for (int is_t0 = 0; is_t0 < 2; is_t0++) {
        lib.protocol = is_t0 ? SCARD_PROTOCOL_T0 : SCARD_PROTOCOL_T1;
        lib.sent_count = 0;
        SCRIPT(ok);
        assert_int_equal(prepare("Example", false), ERR_OK);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            size_t len = 0;
            assert_int_equal(transmit(bytes_make(rows[i].command, rows[i].len), 1000, &len), ERR_OK);
            assert_int_equal(len, 2);
            expect_sent(i, is_t0 ? rows[i].t0 : rows[i].command, is_t0 ? rows[i].t0_len : rows[i].len);
        }
        transport_close(&t);
    }
}

static void what_the_library_says(void **state)
{
    (void)state;
    static const struct {
        struct answer answer;
        enum err expected;
        bool broken;
    } rows[] = {
        {{SCARD_W_REMOVED_CARD, NULL, 0, false},        ERR_CARD_GONE,     true },
        {{SCARD_E_NO_SMARTCARD, NULL, 0, false},        ERR_CARD_GONE,     true },
        {{SCARD_E_READER_UNAVAILABLE, NULL, 0, false},  ERR_CARD_GONE,     true },
        {{SCARD_E_NO_SERVICE, NULL, 0, false},          ERR_CARD_GONE,     true },
        {{SCARD_E_NOT_TRANSACTED, NULL, 0, false},      ERR_CARD_GONE,     true },
        {{SCARD_E_SHARING_VIOLATION, NULL, 0, false},   ERR_CARD_GONE,     true }, // we hold it alone
        {{SCARD_E_INSUFFICIENT_BUFFER, NULL, 0, false}, ERR_CARD_RESPONSE, false},
        {OK("\x90"),                                    ERR_CARD_RESPONSE, false},
        {OK(""),                                        ERR_CARD_RESPONSE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lib.answers = &rows[i].answer;
        lib.answer_count = 1;
        lib.next = 0;
        size_t len = 999;
        assert_int_equal(prepare("Example", false), ERR_OK);
        assert_int_equal(transmit(bytes_make(get, 5), 1000, &len), rows[i].expected);
        assert_int_equal(len, 999);
        assert_int_equal(t.broken, rows[i].broken);
        transport_close(&t);
    }
}

static void somebody_else_reset_it(void **state)
{
    (void)state;
    static const struct answer once[] = {
        {SCARD_W_RESET_CARD, NULL, 0, false},
        OK("\x68\x81")
    };
    SCRIPT(once);
    size_t len = 0;
    assert_int_equal(prepare("Example", true), ERR_OK);
    assert_int_equal(transmit(bytes_make(get, 5), 1000, &len), ERR_OK);
    assert_int_equal(lib.reconnected_how, SCARD_LEAVE_CARD);
    assert_int_equal(lib.sent_count, 2);
    transport_close(&t);

    // Again and again: given up.
    static const struct answer always[] = {
        {SCARD_W_RESET_CARD, NULL, 0, false}
    };
    SCRIPT(always);
    assert_int_equal(prepare("Example", true), ERR_OK);
    assert_int_equal(transmit(bytes_make(get, 5), 1000, &len), ERR_CARD_GONE);
    transport_close(&t);
}

static void somebody_else_has_it(void **state)
{
    (void)state;
    static const struct answer later[] = {
        {SCARD_E_SHARING_VIOLATION, NULL, 0, false},
        {SCARD_E_SHARING_VIOLATION, NULL, 0, false},
        OK("\x90\x00"),
    };
    SCRIPT(later);
    size_t len = 0;
    assert_int_equal(prepare("Example", true), ERR_OK);
    assert_int_equal(transmit(bytes_make(get, 5), 5000, &len), ERR_OK);
    transport_close(&t);

    static const struct answer never[] = {
        {SCARD_E_SHARING_VIOLATION, NULL, 0, false}
    };
    SCRIPT(never);
    lib.sent_count = 0;
    assert_int_equal(prepare("Example", true), ERR_OK);
    assert_int_equal(transmit(bytes_make(get, 5), 100, &len), ERR_CARD_TIMEOUT);
    transport_close(&t);
}

static void the_library_waits_for_ever(void **state)
{
    (void)state;
    static const struct answer mute[] = {
        {SCARD_E_NO_SERVICE, NULL, 0, true}
    };
    SCRIPT(mute);
    size_t len = 999;
    assert_int_equal(prepare("Example", false), ERR_OK);
    assert_int_equal(transmit(bytes_make(get, 5), 50, &len), ERR_CARD_TIMEOUT);
    assert_int_equal(len, 999);
    assert_true(t.broken);
    assert_int_equal(transmit(bytes_make(get, 5), 50, &len), ERR_CARD_GONE);
    assert_int_equal(transport_reset(&t), ERR_CARD_GONE);
    assert_int_equal(lib.sent_count, 1);
    transport_close(&t);

    // A signal that is not the timer's ends nothing.
    static const struct answer ok[] = {OK("\x90\x00")};
    SCRIPT(ok);
    assert_int_equal(prepare("Example", false), ERR_OK);
    assert_int_equal(raise(SIGALRM), 0);
    assert_int_equal(transmit(bytes_make(get, 5), 1000, &len), ERR_OK);
    assert_false(t.broken);
    transport_close(&t);
}

static void another_card_is_not_reset(void **state)
{
    (void)state;
    lib.status = SCARD_W_REMOVED_CARD;
    assert_int_equal(prepare("Example", false), ERR_OK);
    assert_int_equal(transport_reset(&t), ERR_CARD_GONE);
    assert_int_equal(lib.reconnects, 0);
    assert_true(t.broken);
    transport_close(&t);

    lib.status = SCARD_S_SUCCESS;
    lib.reconnect = SCARD_E_NO_SMARTCARD;
    assert_int_equal(prepare("Example", false), ERR_OK);
    assert_int_equal(transport_reset(&t), ERR_CARD_GONE);
    assert_true(t.broken);
    transport_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_contract_of_the_descriptor, set_up),
        cmocka_unit_test_setup(nothing_to_connect_to, set_up),
        cmocka_unit_test_setup(the_descriptor_is_the_library_s, set_up),
        cmocka_unit_test_setup(alone_or_shared, set_up),
        cmocka_unit_test_setup(the_card_is_asked, set_up),
        cmocka_unit_test_setup(both_protocols, set_up),
        cmocka_unit_test_setup(what_the_library_says, set_up),
        cmocka_unit_test_setup(somebody_else_reset_it, set_up),
        cmocka_unit_test_setup(somebody_else_has_it, set_up),
        cmocka_unit_test_setup(the_library_waits_for_ever, set_up),
        cmocka_unit_test_setup(another_card_is_not_reset, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
