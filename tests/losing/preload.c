/*
 * A disk that tells what was done to it, and fails when told: laid before a program by LD_PRELOAD.
 *
 * Below the folder LOSING_ROOT each change is done by the kernel as ever, and then appended to the file LOSING_LOG: one record each, in the order in which they were done (one lock around all of them). What a power
 * cut would leave of it is made from that by tests/losing/disk.rs.
 *
 * With LOSING_FAIL=N the N-th call that concerns a path with LOSING_ONLY in it (any path, if that is not set) fails with LOSING_ERROR (a number) and does nothing; reads count, too. With LOSING_FROM=1 so do all further ones
 * that change something: a disk that is full, or gone. LOSING_COUNT names a file that has the number of calls when the program ends.
 *
 * Not seen: what is written by mmap (SQLite's index of its log, which nobody needs after a crash) and what goes past libc.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_DIR, RENAME, REMOVE, MAKE_DIR, LINK };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *only, *count_to;
static size_t root_length;
static int log_to = -1, error_is = EIO, from_there_on;
static uint64_t calls, fails_at;

__attribute__((constructor)) static void begin(void) {
    root = getenv("LOSING_ROOT");
    if (!root)
        return;
    root_length = strlen(root);
    only = getenv("LOSING_ONLY");
    count_to = getenv("LOSING_COUNT");
    const char *text = getenv("LOSING_LOG");
    if (text)
        log_to = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((text = getenv("LOSING_FAIL")))
        fails_at = strtoull(text, NULL, 10);
    if ((text = getenv("LOSING_ERROR")))
        error_is = atoi(text);
    from_there_on = getenv("LOSING_FROM") != NULL;
}

__attribute__((destructor)) static void end(void) {
    if (!root || !count_to)
        return;
    char text[24];
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)calls);
    int fd = syscall(SYS_openat, AT_FDCWD, count_to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!syscall(SYS_write, fd, text, length);
        syscall(SYS_close, fd);
    }
}

static int below(const char *path) {
    return root && !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == 0);
}

/* Where a descriptor leads; whether that is below the root. */
static int path_of(int fd, char *path) {
    if (!root)
        return 0;
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, 4095);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return below(path);
}

/* What a name relative to a folder means; whether that is below the root. */
static int path_at(int dir, const char *name, char *path) {
    if (!root)
        return 0;
    if (name[0] == '/' || dir == AT_FDCWD) {
        snprintf(path, 4096, "%s", name);
        return below(path);
    }
    char folder[4096];
    if (!path_of(dir, folder))
        return 0;
    if ((size_t)snprintf(path, 4096, "%s/%s", folder, name) >= 4096)
        return 0;
    return 1;
}

/* Whether the call under way is to fail. With the lock held. */
static int is_to_fail(const char *path, int changes) {
    if (only && !strstr(path, only))
        return 0;
    calls++;
    if (fails_at && (calls == fails_at || (from_there_on && changes && calls > fails_at))) {
        errno = error_is;
        return 1;
    }
    return 0;
}

static void note(enum kind kind, uint64_t inode, uint64_t at, const char *path, const void *more, size_t more_length) {
    if (log_to < 0)
        return;
    int kept = errno;
    struct __attribute__((packed)) {
        uint8_t kind;
        uint64_t inode, at;
        uint32_t path_length, more_length;
    } head = {kind, inode, at, strlen(path), more_length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path_length}, {(void *)more, more_length}};
    (void)!syscall(SYS_writev, log_to, parts, 3);
    errno = kept;
}

static uint64_t inode_of(int fd) {
    struct stat found;
    return fstat(fd, &found) ? 0 : found.st_ino;
}

static int is_file(int fd) {
    struct stat found;
    return !fstat(fd, &found) && S_ISREG(found.st_mode);
}

/* --- names ------------------------------------------------------------------------------------------------------------------------ */

static int opened(int dir, const char *name, int flags, mode_t mode) {
    char path[4096];
    if (!path_at(dir, name, path))
        return syscall(SYS_openat, dir, name, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before;
    int was_there = !syscall(SYS_newfstatat, AT_FDCWD, path, &before, 0);
    int creates = (flags & O_CREAT) && !was_there;
    int cuts = (flags & O_TRUNC) && was_there && before.st_size > 0;
    int fd = -1;
    if (!is_to_fail(path, creates || cuts)) {
        fd = syscall(SYS_openat, dir, name, flags, mode);
        if (fd >= 0 && creates)
            note(CREATE, inode_of(fd), 0, path, NULL, 0);
        if (fd >= 0 && cuts)
            note(TRUNCATE, before.st_ino, 0, path, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags, last)                                                                                                                  \
    mode_t mode = 0;                                                                                                                       \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                                                               \
        va_list more;                                                                                                                      \
        va_start(more, last);                                                                                                              \
        mode = va_arg(more, mode_t);                                                                                                       \
        va_end(more);                                                                                                                      \
    }

int open(const char *name, int flags, ...) {
    MODE(flags, flags)
    return opened(AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    MODE(flags, flags)
    return opened(AT_FDCWD, name, flags, mode);
}
int openat(int dir, const char *name, int flags, ...) {
    MODE(flags, flags)
    return opened(dir, name, flags, mode);
}
int openat64(int dir, const char *name, int flags, ...) {
    MODE(flags, flags)
    return opened(dir, name, flags, mode);
}
int creat(const char *name, mode_t mode) { return opened(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode); }

static int named(enum kind kind, int from_dir, const char *from, int to_dir, const char *to, long number, int flags) {
    char one[4096], other[4096] = "";
    int seen = path_at(from_dir, from, one);
    if (to)
        seen = path_at(to_dir, to, other) || seen;
    if (seen)
        pthread_mutex_lock(&lock);
    int done = -1;
    if (!seen || !is_to_fail(to ? other : one, 1)) {
        if (number == SYS_mkdirat)
            done = syscall(number, from_dir, from, flags);
        else if (number == SYS_unlinkat)
            done = syscall(number, from_dir, from, flags);
        else
            done = syscall(number, from_dir, from, to_dir, to, flags);
    }
    if (seen) {
        if (done == 0)
            note(kind, 0, 0, one, other, strlen(other));
        pthread_mutex_unlock(&lock);
    }
    return done;
}

int rename(const char *from, const char *to) { return named(RENAME, AT_FDCWD, from, AT_FDCWD, to, SYS_renameat2, 0); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return named(RENAME, from_dir, from, to_dir, to, SYS_renameat2, 0); }
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    return named(RENAME, from_dir, from, to_dir, to, SYS_renameat2, flags);
}
int link(const char *from, const char *to) { return named(LINK, AT_FDCWD, from, AT_FDCWD, to, SYS_linkat, 0); }
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) { return named(LINK, from_dir, from, to_dir, to, SYS_linkat, flags); }
int unlink(const char *name) { return named(REMOVE, AT_FDCWD, name, 0, NULL, SYS_unlinkat, 0); }
int unlinkat(int dir, const char *name, int flags) { return named(REMOVE, dir, name, 0, NULL, SYS_unlinkat, flags); }
int rmdir(const char *name) { return named(REMOVE, AT_FDCWD, name, 0, NULL, SYS_unlinkat, AT_REMOVEDIR); }
int mkdir(const char *name, mode_t mode) { return named(MAKE_DIR, AT_FDCWD, name, 0, NULL, SYS_mkdirat, mode); }
int mkdirat(int dir, const char *name, mode_t mode) { return named(MAKE_DIR, dir, name, 0, NULL, SYS_mkdirat, mode); }

/* --- content ---------------------------------------------------------------------------------------------------------------------- */

/* `at` is -1 where the descriptor says it. */
static ssize_t written(int fd, const struct iovec *parts, int count, off_t at) {
    char path[4096];
    int seen = path_of(fd, path) && is_file(fd);
    if (seen)
        pthread_mutex_lock(&lock);
    ssize_t done = -1;
    if (!seen || !is_to_fail(path, 1))
        done = at < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, at, 0);
    if (seen) {
        if (done > 0) {
            uint64_t where = at < 0 ? (uint64_t)lseek(fd, 0, SEEK_CUR) - done : (uint64_t)at;
            for (ssize_t left = done; left > 0; parts++) {
                size_t length = parts->iov_len < (size_t)left ? parts->iov_len : (size_t)left;
                if (length)
                    note(WRITE, inode_of(fd), where, path, parts->iov_base, length);
                where += length;
                left -= length;
            }
        }
        pthread_mutex_unlock(&lock);
    }
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    return written(fd, &part, 1, -1);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    struct iovec part = {(void *)bytes, length};
    return written(fd, &part, 1, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    struct iovec part = {(void *)bytes, length};
    return written(fd, &part, 1, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return written(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return written(fd, parts, count, at); }

static ssize_t got(int fd, void *bytes, size_t length, off_t at) {
    char path[4096];
    if (fails_at || count_to) {
        if (path_of(fd, path) && is_file(fd)) {
            pthread_mutex_lock(&lock);
            int fails = is_to_fail(path, 0);
            pthread_mutex_unlock(&lock);
            if (fails)
                return -1;
        }
    }
    return at < 0 ? syscall(SYS_read, fd, bytes, length) : syscall(SYS_pread64, fd, bytes, length, at);
}
ssize_t read(int fd, void *bytes, size_t length) { return got(fd, bytes, length, -1); }
ssize_t pread(int fd, void *bytes, size_t length, off_t at) { return got(fd, bytes, length, at); }
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) { return got(fd, bytes, length, at); }

static int cut(int fd, off_t length) {
    char path[4096];
    int seen = path_of(fd, path) && is_file(fd);
    if (seen)
        pthread_mutex_lock(&lock);
    int done = -1;
    if (!seen || !is_to_fail(path, 1))
        done = syscall(SYS_ftruncate, fd, length);
    if (seen) {
        if (done == 0)
            note(TRUNCATE, inode_of(fd), length, path, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int synced(int fd, long number) {
    char path[4096];
    int seen = path_of(fd, path);
    if (seen)
        pthread_mutex_lock(&lock);
    int done = -1;
    if (!seen || !is_to_fail(path, 1))
        done = syscall(number, fd);
    if (seen) {
        if (done == 0)
            note(is_file(fd) ? SYNC : SYNC_DIR, inode_of(fd), 0, path, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* Whoever copies or makes room by these falls back to the calls above. */
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags) {
    (void)from, (void)from_at, (void)to, (void)to_at, (void)length, (void)flags;
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile(int to, int from, off_t *at, size_t length) {
    char path[4096];
    if (path_of(to, path)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_sendfile, to, from, at, length);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t length) { return sendfile(to, from, at, length); }
int posix_fallocate(int fd, off_t at, off_t length) {
    (void)fd, (void)at, (void)length;
    return EOPNOTSUPP;
}
int posix_fallocate64(int fd, off64_t at, off64_t length) { return posix_fallocate(fd, at, length); }
int fallocate(int fd, int mode, off_t at, off_t length) {
    (void)fd, (void)mode, (void)at, (void)length;
    errno = EOPNOTSUPP;
    return -1;
}
int fallocate64(int fd, int mode, off64_t at, off64_t length) { return fallocate(fd, mode, at, length); }
