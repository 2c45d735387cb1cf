// SPDX-License-Identifier: Apache-2.0
// The audit's files: one chain across them, the oldest removed, and a rotation that was cut off goes on.
#include "tests/e2e/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT 3

struct files {
    char names[32][64]; // sorted; the open one last
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct files list_files(const struct world *w)
{
    struct files f = {0};
    DIR *dir = opendir(w->dir);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        if (strncmp(entry->d_name, "audit.jsonl.", 12) == 0) {
            assert_true(f.count < 31);
            snprintf(f.names[f.count++], sizeof f.names[0], "%.63s", entry->d_name);
        }
    closedir(dir);
    qsort(f.names, f.count, sizeof f.names[0], by_name);
    snprintf(f.names[f.count++], sizeof f.names[0], "audit.jsonl");
    return f;
}

static ino_t open_inode(const struct world *w)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/audit.jsonl", w->dir);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

// The names, and each file's text in `texts`, as they were at one time: lpad delivers notifications by
// itself, and may rotate meanwhile.
static struct files read_files(const struct world *w, char **texts)
{
    for (unsigned tries = 0; tries < 50; tries++) {
        ino_t inode = open_inode(w);
        struct files f = list_files(w);
        for (size_t i = 0; i < f.count; i++)
            texts[i] = world_read(w, f.names[i]);
        struct files after = list_files(w);
        if (after.count == f.count && memcmp(after.names, f.names, sizeof f.names) == 0 &&
            open_inode(w) == inode)
            return f;
        for (size_t i = 0; i < f.count; i++)
            free(texts[i]);
    }
    fail_msg("the files change all the time");
    return (struct files){0};
}

// The chain holds across all files, and each is named after its first record, which begins an epoch.
static struct files expect_sound(struct world *w)
{
    char *texts[32];
    size_t len = 0, cap = 1 << 20;
    struct files f = read_files(w, texts);
    char *all = calloc(1, cap);
    assert_non_null(all);
    for (size_t i = 0; i < f.count; i++) {
        assert_true(len + strlen(texts[i]) < cap);
        memcpy(all + len, texts[i], strlen(texts[i]));
        len += strlen(texts[i]);
    }
    for (size_t i = 0; i + 1 < f.count; i++) {
        char *text = texts[i], head[64];
        snprintf(head, sizeof head, "{\"seq\":%llu,", strtoull(f.names[i] + 12, NULL, 10));
        assert_int_equal(strlen(f.names[i]), strlen("audit.jsonl.") + 12);
        assert_memory_equal(text, head, strlen(head));
        char *end = strchr(text, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_contains(text, "\"type\":\"epoch.begin\"");
    }
    for (size_t i = 0; i < f.count; i++)
        free(texts[i]);
    struct run r = world_lpactl(w, all, "audit", "verify", "-", NULL);
    if (r.code != 0)
        fail_msg("the files do not verify: %s%s", r.out, r.err);
    run_free(&r);
    free(all);
    return f;
}

static void switch_often(struct world *w, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        struct run r =
            world_lpactl(w, NULL, "profile", i % 2 == 0 ? "enable" : "disable", WORLD_ICCID, "--yes", NULL);
        if (r.code != 0)
            fail_msg("change %u: %s%s", i, r.out, r.err);
        run_free(&r);
    }
}

static void rotate_in(bool as_service)
{
    struct world_options o = {.config_audit = ", file_max: 4KiB, files: 3", .as_service = as_service};
    struct world w;
    world_start(&w, &o);
    char open_path[512];
    struct stat before, after;
    snprintf(open_path, sizeof open_path, "%s/audit.jsonl", w.dir);
    assert_int_equal(stat(open_path, &before), 0);
    world_download(&w);
    switch_often(&w, 4);
    struct files f = expect_sound(&w);
    assert_true(f.count >= 2);
    switch_often(&w, 12);
    f = expect_sound(&w);
    // One more while a rotation is about to remove the oldest.
    assert_in_range(f.count, KEPT + 1, KEPT + 2);
    // Whoever could read the log can read on, once a rotation that may be under way is done.
    world_wait_for(&w, "audit.jsonl", "epoch.begin", 1);
    assert_int_equal(stat(open_path, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mode, after.st_mode);
    assert_int_equal(before.st_uid, after.st_uid);
    assert_int_equal(before.st_gid, after.st_gid);

    // Cut off after the renaming, and after the new file was made.
    for (unsigned made = 0; made < 2; made++) {
        assert_int_equal(world_stop_lpad(&w), 0);
        char *text = world_read(&w, "audit.jsonl"), rotated[560];
        // When lpad was stopped in the middle of a rotation, that is the case already.
        bool cut_off = text[0] == '\0';
        snprintf(rotated, sizeof rotated, "%s.%012llu", open_path,
                 cut_off ? 0 : strtoull(text + strlen("{\"seq\":"), NULL, 10));
        free(text);
        assert_true(cut_off || rename(open_path, rotated) == 0);
        if (made && !cut_off)
            world_write(&w, "audit.jsonl", "");
        world_start_lpad(&w);
        switch_often(&w, 2);
        (void)expect_sound(&w);
        text = world_read(&w, "lpad.log");
        assert_lacks(text, "a new chain begins");
        free(text);
    }
    world_stop(&w);
}

static void one_chain_across_files(void **state)
{
    (void)state;
    rotate_in(false);
}

static void as_a_service(void **state)
{
    (void)state;
    if (!world_is_root()) {
        print_message("skipped: another identity can be taken on by root alone\n");
        skip();
    }
    rotate_in(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_chain_across_files),
        cmocka_unit_test(as_a_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
