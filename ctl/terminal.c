// SPDX-License-Identifier: Apache-2.0
// Questions on /dev/tty, and lines from descriptors.
#include "ctl/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void secret_wipe(struct secret *s)
{
    explicit_bzero(s, sizeof *s);
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

void secret_trim(struct secret *s)
{
    size_t start = 0;
    while (s->len > 0 && is_blank(s->text[s->len - 1]))
        s->len--;
    while (start < s->len && is_blank(s->text[start]))
        start++;
    s->len -= start;
    memmove(s->text, s->text + start, s->len);
    explicit_bzero(s->text + s->len, sizeof s->text - s->len);
}

// LINE_READ: `fd` is readable.
static enum line_end wait_for(int fd, const struct watch *watch)
{
    struct pollfd p[] = {
        {.fd = watch->signal_fd, .events = POLLIN},
        {.fd = watch->link_fd,   .events = POLLIN},
        {.fd = fd,               .events = POLLIN},
    };
    for (;;) {
        if (poll(p, 3, -1) < 0 && errno != EINTR)
            return LINE_FAILED;
        if (p[0].revents)
            return LINE_SIGNAL;
        if (p[1].revents)
            return LINE_LINK;
        if (p[2].revents & POLLNVAL)
            return LINE_FAILED;
        if (p[2].revents)
            return LINE_READ;
    }
}

static enum line_end read_line(int fd, const struct watch *watch, struct secret *line)
{
    char c = 0;
    for (;;) {
        enum line_end end = wait_for(fd, watch);
        if (end != LINE_READ)
            return end;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return LINE_FAILED;
        if (n == 0 && line->len == 0)
            return LINE_CLOSED;
        if (n == 0 || c == '\n')
            return LINE_READ;
        if (line->len + 1 >= sizeof line->text)
            return LINE_TOO_LONG;
        line->text[line->len++] = c;
    }
}

enum line_end line_read(int fd, const struct watch *watch, struct secret *ret_line)
{
    struct secret line = {.len = 0};
    enum line_end end = read_line(fd, watch, &line);
    if (end == LINE_READ)
        *ret_line = line;
    secret_wipe(&line);
    return end;
}

static void write_text(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static enum line_end ask_quietly(int tty, const char *prompt, const struct watch *watch,
                                 struct secret *ret_line)
{
    struct termios before, quiet;
    if (tcgetattr(tty, &before) != 0)
        return LINE_FAILED;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    // Stopped in here, the terminal would be left without echo.
    quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
        return LINE_FAILED;
    write_text(tty, prompt);
    enum line_end end = line_read(tty, watch, ret_line);
    char note[64] = "\n";
    if (end == LINE_READ)
        snprintf(note, sizeof note, "(%zu characters read)\n", ret_line->len);
    write_text(tty, note);
    tcsetattr(tty, TCSAFLUSH, &before);
    return end;
}

enum line_end terminal_ask(const char *prompt, bool echo, const struct watch *watch, struct secret *ret_line)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0)
        return LINE_NO_TERMINAL;
    enum line_end end;
    if (echo) {
        tcflush(tty, TCIFLUSH);
        write_text(tty, prompt);
        end = line_read(tty, watch, ret_line);
        if (end != LINE_READ)
            write_text(tty, "\n");
    } else {
        end = ask_quietly(tty, prompt, watch, ret_line);
    }
    close(tty);
    return end;
}
