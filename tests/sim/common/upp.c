// SPDX-License-Identifier: Apache-2.0
// Builds the profile elements one function each; fillers bring the package to the size asked for.
#include "tests/sim/common/upp.h"

enum {
    FILLER_CONTENT = 900, // of a filler that is not the last
    FILLER_OVERHEAD_MAX = 64,
};

// 2.23.143.1.2.x, the templates of the profile package specification.
static const uint8_t template_mf[] = {0x67, 0x81, 0x0f, 0x01, 0x02, 0x01};
static const uint8_t template_usim[] = {0x67, 0x81, 0x0f, 0x01, 0x02, 0x04};
static const char pin_1234[] = "1234\xff\xff\xff\xff";
static const char puk[] = "12345678";

struct writer {
    struct tlvb *out;
    unsigned next_id;
};

static bool digits_valid(const char *text, size_t min, size_t max)
{
    size_t len = strlen(text);

    if (len < min || len > max) {
        return false;
    }
    return strspn(text, "0123456789") == len;
}

bool upp_iccid_encode(const char *digits, uint8_t ret_iccid[UPP_ICCID_SIZE])
{
    size_t len = strlen(digits);

    if (!digits_valid(digits, 18, UPP_ICCID_DIGITS_MAX)) {
        return false;
    }
    for (size_t i = 0; i < UPP_ICCID_SIZE; i++) {
        unsigned low = 2 * i < len ? (unsigned)(digits[2 * i] - '0') : 0xf;
        unsigned high = 2 * i + 1 < len ? (unsigned)(digits[2 * i + 1] - '0') : 0xf;

        ret_iccid[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

// PEHeader: mandated, and a number that is unique in the package.
static void pe_header(struct writer *w)
{
    size_t mark = tlvb_open(w->out);

    tlvb_put(w->out, 0x80, NULL, 0);
    tlvb_put_uint(w->out, 0x81, w->next_id++);
    tlvb_close(w->out, mark, 0xA0);
}

// A File that keeps its template's descriptor and only gets content.
static void file_content(struct writer *w, uint32_t tag, const void *content, size_t len)
{
    size_t mark = tlvb_open(w->out);

    if (content != NULL) {
        tlvb_put(w->out, 0x83, content, len);
    }
    tlvb_close(w->out, mark, tag);
}

// A DF: file descriptor, identifier and PIN status.
static void file_df(struct writer *w, uint32_t tag, unsigned fid, struct slice aid)
{
    static const uint8_t descriptor[] = {0x78, 0x21};
    static const uint8_t pin_status[] = {0x90, 0x01, 0xc0, 0x83, 0x01, 0x01, 0x83, 0x01, 0x0a};
    static const uint8_t arr[] = {0x2f, 0x06, 0x01};
    const uint8_t id[2] = {(uint8_t)(fid >> 8), (uint8_t)fid};
    size_t mark = tlvb_open(w->out);
    size_t fcp = tlvb_open(w->out);

    tlvb_put(w->out, 0x82, descriptor, sizeof(descriptor));
    tlvb_put(w->out, 0x83, id, sizeof(id));
    if (aid.len != 0) {
        tlvb_put_slice(w->out, 0x84, aid);
    }
    tlvb_put(w->out, 0x8B, arr, sizeof(arr));
    tlvb_put(w->out, 0xC6, pin_status, sizeof(pin_status));
    tlvb_close(w->out, fcp, 0xA1);
    tlvb_close(w->out, mark, tag);
}

static void put_header(struct writer *w, const uint8_t iccid[UPP_ICCID_SIZE], const uint32_t version[2])
{
    // An HTTPS administration address, as a network puts one there.
    static const char connectivity[] = "\xa1\x14\x35\x07\x02\x00\x00\x03\x00\x00\x02\x47\x09\x04test\x06gprs";
    size_t mark = tlvb_open(w->out);
    size_t inner = 0;

    tlvb_put_uint(w->out, 0x80, version[0] == 0 ? 2 : version[0]);
    tlvb_put_uint(w->out, 0x81, version[0] == 0 ? 3 : version[1]);
    tlvb_put_string(w->out, 0x82, "lpad test profile");
    tlvb_put(w->out, 0x83, iccid, UPP_ICCID_SIZE);
    inner = tlvb_open(w->out);
    tlvb_put(w->out, 0x81, NULL, 0); // usim
    tlvb_put(w->out, 0x84, NULL, 0); // milenage
    tlvb_close(w->out, inner, 0xA5);
    inner = tlvb_open(w->out);
    tlvb_put(w->out, 0x06, template_mf, sizeof(template_mf));
    tlvb_put(w->out, 0x06, template_usim, sizeof(template_usim));
    tlvb_close(w->out, inner, 0xA6);
    tlvb_put(w->out, 0x87, connectivity, sizeof(connectivity) - 1);
    tlvb_close(w->out, mark, 0xA0);
}

static void put_mf(struct writer *w, const uint8_t iccid[UPP_ICCID_SIZE])
{
    static const uint8_t dir[] = {0x61, 0x18, 0x4f, 0x10, 0xa0, 0x00, 0x00, 0x00, 0x87,
                                  0x10, 0x02, 0xff, 0xff, 0xff, 0xff, 0x89, 0x07, 0x09,
                                  0x00, 0x00, 0x50, 0x04, 'U',  'S',  'I',  'M'};
    static const uint8_t arr[] = {0x80, 0x01, 0x01, 0x90, 0x00, 0x80, 0x01, 0x02,
                                  0xa4, 0x06, 0x83, 0x01, 0x0a, 0x95, 0x01, 0x08};
    size_t mark = tlvb_open(w->out);

    pe_header(w);
    tlvb_put(w->out, 0x81, template_mf, sizeof(template_mf));
    file_df(w, 0xA2, 0x3f00, (struct slice){0});
    file_content(w, 0xA3, "en", 2);
    file_content(w, 0xA4, iccid, UPP_ICCID_SIZE);
    file_content(w, 0xA5, dir, sizeof(dir));
    file_content(w, 0xA6, arr, sizeof(arr));
    tlvb_close(w->out, mark, 0xB0);
}

static void put_puk_codes(struct writer *w)
{
    size_t mark = tlvb_open(w->out);
    size_t list = 0;
    size_t one = 0;

    pe_header(w);
    list = tlvb_open(w->out);
    one = tlvb_open(w->out);
    tlvb_put_uint(w->out, 0x80, 1);
    tlvb_put(w->out, 0x81, puk, 8);
    tlvb_close(w->out, one, 0x30);
    tlvb_close(w->out, list, 0xA1);
    tlvb_close(w->out, mark, 0xA3);
}

static void put_pin_codes(struct writer *w)
{
    size_t mark = tlvb_open(w->out);
    size_t choice = 0;
    size_t list = 0;
    size_t one = 0;

    pe_header(w);
    choice = tlvb_open(w->out);
    list = tlvb_open(w->out);
    one = tlvb_open(w->out);
    tlvb_put_uint(w->out, 0x80, 1);
    tlvb_put(w->out, 0x81, pin_1234, 8);
    tlvb_put_uint(w->out, 0x82, 1);
    tlvb_close(w->out, one, 0x30);
    tlvb_close(w->out, list, 0xA0);
    tlvb_close(w->out, choice, 0xA1);
    tlvb_close(w->out, mark, 0xA2);
}

// EF_IMSI: length, then fifteen digits behind the parity nibble 9.
static void imsi_encode(const char *mcc_mnc, uint8_t ret_imsi[9])
{
    char digits[17] = "9000000000000001";

    memcpy(digits + 1, mcc_mnc, strlen(mcc_mnc));
    ret_imsi[0] = 8;
    for (size_t i = 0; i < 8; i++) {
        ret_imsi[1 + i] = (uint8_t)((digits[2 * i + 1] - '0') << 4 | (digits[2 * i] - '0'));
    }
}

static void put_usim(struct writer *w, const char *mcc_mnc)
{
    static const uint8_t aid[] = {0xa0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xff,
                                  0xff, 0xff, 0xff, 0x89, 0x07, 0x09, 0x00, 0x00};
    static const uint8_t ust[] = {0x0a, 0x2e, 0x17, 0x8c, 0xe7, 0x32, 0x04, 0x00, 0x00, 0x00};
    static const char spn[] = "\x02lpad\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    static const uint8_t est[] = {0x00};
    static const uint8_t acc[] = {0x00, 0x02};
    static const uint8_t ecc[] = {0x11, 0xf2, 0xff, 0x01};
    uint8_t imsi[9];
    size_t mark = tlvb_open(w->out);

    imsi_encode(mcc_mnc, imsi);
    pe_header(w);
    tlvb_put(w->out, 0x81, template_usim, sizeof(template_usim));
    file_df(w, 0xA2, 0x7ff0, slice_of(aid, sizeof(aid)));
    file_content(w, 0xA3, imsi, sizeof(imsi));
    file_content(w, 0xA4, NULL, 0);
    file_content(w, 0xA8, ust, sizeof(ust));
    file_content(w, 0xAD, spn, sizeof(spn) - 1);
    file_content(w, 0xAE, est, sizeof(est));
    file_content(w, 0xB2, acc, sizeof(acc));
    file_content(w, 0xB6, ecc, sizeof(ecc));
    tlvb_close(w->out, mark, 0xB3);
}

static void put_aka(struct writer *w, bool live_key)
{
    // The test USIM's K of TS 34.108, or that of TS 35.208's test set 1, and an OPc of zeros.
    static const uint8_t key[16] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                    0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    static const uint8_t live[16] = {0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f,
                                     0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc};
    static const uint8_t opc[16] = {0};
    size_t mark = tlvb_open(w->out);
    size_t choice = 0;
    size_t algo = 0;

    pe_header(w);
    choice = tlvb_open(w->out);
    algo = tlvb_open(w->out);
    tlvb_put_uint(w->out, 0x80, 1); // milenage
    tlvb_put_uint(w->out, 0x81, 1);
    tlvb_put(w->out, 0x82, live_key ? live : key, sizeof(key));
    tlvb_put(w->out, 0x83, opc, sizeof(opc));
    tlvb_close(w->out, algo, 0xA1);
    tlvb_close(w->out, choice, 0xA1);
    tlvb_close(w->out, mark, 0xA4);
}

// Bytes that do not compress and are the same every time.
static void filler_bytes(struct tlvb *out, unsigned seed, size_t len)
{
    uint32_t x = 0x9e3779b9u ^ (seed * 2654435761u);
    uint8_t byte = 0;

    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        byte = (uint8_t)(x >> 24);
        tlvb_raw(out, &byte, 1);
    }
}

// PE-GenericFileManagement: creates one transparent file under the MF and fills it with len bytes.
static void put_filler(struct writer *w, size_t len)
{
    static const uint8_t descriptor[] = {0x41, 0x21};
    static const uint8_t arr[] = {0x2f, 0x06, 0x01};
    unsigned id = w->next_id;
    const uint8_t fid[2] = {0x6f, (uint8_t)id};
    const uint8_t size[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    size_t mark = tlvb_open(w->out);
    size_t list = 0;
    size_t commands = 0;
    size_t inner = 0;

    pe_header(w);
    list = tlvb_open(w->out);
    commands = tlvb_open(w->out);
    tlvb_put(w->out, 0x80, NULL, 0);
    inner = tlvb_open(w->out);
    tlvb_put(w->out, 0x82, descriptor, sizeof(descriptor));
    tlvb_put(w->out, 0x83, fid, sizeof(fid));
    tlvb_put(w->out, 0x8B, arr, sizeof(arr));
    tlvb_put(w->out, 0x80, len > 0xff ? size : size + 1, len > 0xff ? 2 : 1);
    tlvb_close(w->out, inner, 0x62);
    inner = tlvb_open(w->out);
    filler_bytes(w->out, id, len);
    tlvb_close(w->out, inner, 0x81);
    tlvb_close(w->out, commands, 0x30);
    tlvb_close(w->out, list, 0xA1);
    tlvb_close(w->out, mark, 0xA1);
}

static void put_end(struct writer *w)
{
    size_t mark = tlvb_open(w->out);

    pe_header(w);
    tlvb_close(w->out, mark, 0xAA);
}

static size_t filler_size(unsigned id, size_t len)
{
    struct tlvb scratch = TLVB_INIT;
    struct writer w = {&scratch, id};
    size_t size = 0;

    put_filler(&w, len);
    size = scratch.failed ? 0 : scratch.len;
    tlvb_free(&scratch);
    return size;
}

// The content length that makes a filler exactly `total` bytes; 0 when the length octets leave a gap there.
static size_t filler_content(unsigned id, size_t total)
{
    size_t from = total > FILLER_OVERHEAD_MAX ? total - FILLER_OVERHEAD_MAX : 1;

    for (size_t len = from; len < total; len++) {
        if (filler_size(id, len) == total) {
            return len;
        }
    }
    return 0;
}

static size_t end_size(unsigned id)
{
    return id < 128 ? 9 : 10;
}

// Fills `rest` bytes up to and without the end element that follows. Two fillers close any gap that one
// cannot.
static bool put_last_fillers(struct writer *w, size_t rest)
{
    unsigned id = w->next_id;
    size_t end_one = end_size(id + 1);
    size_t end_two = end_size(id + 2);
    size_t len = rest > end_one ? filler_content(id, rest - end_one) : 0;

    if (len != 0) {
        put_filler(w, len);
        return true;
    }
    for (size_t first = 1; first < FILLER_OVERHEAD_MAX; first++) {
        size_t used = filler_size(id, first) + end_two;

        len = used < rest ? filler_content(id + 1, rest - used) : 0;
        if (len != 0) {
            put_filler(w, first);
            put_filler(w, len);
            return true;
        }
    }
    return false;
}

static bool put_fillers(struct writer *w, size_t target)
{
    const size_t last_max = 2 * (FILLER_CONTENT + FILLER_OVERHEAD_MAX);

    while (!w->out->failed && target > w->out->len && target - w->out->len > last_max) {
        put_filler(w, FILLER_CONTENT);
    }
    if (target == w->out->len + end_size(w->next_id)) {
        return true;
    }
    return target > w->out->len && put_last_fillers(w, target - w->out->len);
}

bool upp_make(const struct upp_params *params, struct tlvb *out)
{
    const char *mcc_mnc = params->mcc_mnc != NULL ? params->mcc_mnc : "00101";
    struct tlvb own = TLVB_INIT; // on its own, so that sizes count from 0
    struct writer w = {&own, 1};
    uint8_t iccid[UPP_ICCID_SIZE];
    bool ok = upp_iccid_encode(params->iccid, iccid) && digits_valid(mcc_mnc, 5, 6);

    if (!ok) {
        return false;
    }
    put_header(&w, iccid, params->version);
    put_mf(&w, iccid);
    put_puk_codes(&w);
    put_pin_codes(&w);
    put_usim(&w, mcc_mnc);
    put_aka(&w, params->live_key);
    ok = params->size == 0 || put_fillers(&w, params->size);
    put_end(&w);
    ok = ok && !own.failed && (params->size == 0 || own.len == params->size);
    if (ok) {
        tlvb_slice(out, tlvb_get(&own));
    }
    tlvb_free(&own);
    return ok && !out->failed;
}
