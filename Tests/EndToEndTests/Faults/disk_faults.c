// Preloaded into a run: numbers the system calls that change files below FAULTS_ROOT, and at one of them ends the process
// or declares the disk full from there on. What fsync has been promised is kept aside, so that a test can put back what a
// power cut would leave.
//
//   FAULTS_ROOT    folder whose files are watched, an absolute path without links
//   FAULTS_LOG     file that gets a line for each call: its name and the file's
//   FAULTS_KILL    number of the call before which the process gets SIGKILL, from 1
//   FAULTS_FULL    number of the call from which on everything that needs room fails with ENOSPC
//   FAULTS_DURABLE folder: NODE holds what the file of inode NODE held at its last fsync, `names` the lines "NODE NAME" of
//                  the root at its last fsync

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long calls;

static int isWatched(const char *path) {
  const char *root = getenv("FAULTS_ROOT");
  size_t length = root ? strlen(root) : 0;
  return length && path && strncmp(path, root, length) == 0 && (path[length] == 0 || path[length] == '/')
      && !strstr(path, ".lock");
}

static int isOpenFileWatched(int descriptor, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, 4095);
  if (length < 0) return 0;
  path[length] = 0;
  return isWatched(path);
}

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

/// Counts a call; whether it fails for want of room.
static int enter(const char *call, const char *path, int needsRoom) {
  calls++;
  const char *log = getenv("FAULTS_LOG");
  if (log) {
    int descriptor = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    char line[5000];
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    syscall(SYS_write, descriptor, line, length);
    syscall(SYS_close, descriptor);
  }
  if (number("FAULTS_KILL") == calls) kill(getpid(), SIGKILL);
  long full = number("FAULTS_FULL");
  if (full && calls >= full && needsRoom) {
    errno = ENOSPC;
    return 1;
  }
  return 0;
}

static int createDurable(const char *name) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s", getenv("FAULTS_DURABLE"), name);
  return syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

static void keep(int descriptor, const char *path) {
  if (!getenv("FAULTS_DURABLE")) return;
  struct stat status;
  if (fstat(descriptor, &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    int names = createDurable("names");
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
      char line[600];
      int length = snprintf(line, sizeof line, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
      syscall(SYS_write, names, line, length);
    }
    if (folder) closedir(folder);
    syscall(SYS_close, names);
    return;
  }
  char name[32];
  snprintf(name, sizeof name, "%lu", (unsigned long)status.st_ino);
  int copy = createDurable(name);
  int source = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
  char block[65536];
  long length;
  while ((length = syscall(SYS_read, source, block, sizeof block)) > 0) syscall(SYS_write, copy, block, length);
  syscall(SYS_close, source);
  syscall(SYS_close, copy);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                     \
  int name(const char *path, int flags, ...) {                                         \
    va_list arguments;                                                                 \
    va_start(arguments, flags);                                                        \
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;                     \
    va_end(arguments);                                                                 \
    if (flags & O_CREAT && isWatched(path) && enter("create", path, 1)) return -1;     \
    return REAL(name)(path, flags, mode);                                              \
  }
OPEN(open)
OPEN(open64)

#define ON_DESCRIPTOR(result, name, call, needsRoom, parameters, values)               \
  result name parameters {                                                             \
    char path[4096];                                                                   \
    if (isOpenFileWatched(descriptor, path) && enter(call, path, needsRoom)) return -1; \
    return REAL(name) values;                                                          \
  }
ON_DESCRIPTOR(ssize_t, write, "write", 1, (int descriptor, const void *bytes, size_t count), (descriptor, bytes, count))
ON_DESCRIPTOR(ssize_t, pwrite, "write", 1, (int descriptor, const void *bytes, size_t count, off_t offset), (descriptor, bytes, count, offset))
ON_DESCRIPTOR(ssize_t, pwrite64, "write", 1, (int descriptor, const void *bytes, size_t count, off64_t offset), (descriptor, bytes, count, offset))
ON_DESCRIPTOR(int, ftruncate, "truncate", 0, (int descriptor, off_t length), (descriptor, length))
ON_DESCRIPTOR(int, ftruncate64, "truncate", 0, (int descriptor, off64_t length), (descriptor, length))

int fsync(int descriptor) {
  char path[4096];
  int watched = isOpenFileWatched(descriptor, path);
  if (watched && enter("fsync", path, 0)) return -1;
  int result = REAL(fsync)(descriptor);
  if (watched && result == 0) keep(descriptor, path);
  return result;
}

int rename(const char *old, const char *new) {
  if (isWatched(new) && enter("rename", new, 1)) return -1;
  return REAL(rename)(old, new);
}

int link(const char *old, const char *new) {
  if (isWatched(new) && enter("link", new, 1)) return -1;
  return REAL(link)(old, new);
}

int unlink(const char *path) {
  if (isWatched(path) && enter("unlink", path, 0)) return -1;
  return REAL(unlink)(path);
}
