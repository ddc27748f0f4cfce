#include "media.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "_cgo_export.h"

// The linker leads every call by which FFmpeg gets to the outside here (--wrap in
// guard.go): what an address resolves to, where a redirect or a playlist leads, is
// judged where the connection is made, after all names are resolved. Calls of
// threads that work for no guarded input pass.
int __real_connect(int fd, const struct sockaddr *to, socklen_t size);
ssize_t __real_sendto(int fd, const void *b, size_t n, int flags, const struct sockaddr *to, socklen_t size);
ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __real_avpriv_open(const char *path, int flags, ...);
int __real_srt_connect(int fd, const struct sockaddr *to, int size);

char *__real_getenv(const char *name);
int __real_ff_get_chomp_line(AVIOContext *pb, char *line, int size);

// What one opening or reading may take; far above what is useful.
enum { MOST_TEXT = 16 << 20, MOST_CONNECTIONS = 512 };

static _Thread_local int probing; // 1: no call of FFmpeg's was seen; 2: one was

static uintptr_t guard(void) {
  svm_input *in = svm_current();
  return in ? svm_input_guard(in)->handle : 0;
}

// What Go does to answer is not the input's.
#define ASK(answer, call) do { svm_input *in_ = svm_enter_none(); (answer) = (call); svm_enter_again(in_); } while (0)

#define ASK_NOTHING(call) do { svm_input *in_ = svm_enter_none(); call; svm_enter_again(in_); } while (0)

static int allowed(uintptr_t g, const struct sockaddr *to, int datagram) {
  const uint8_t *bytes;
  int size, port;
  switch (to->sa_family) {
  case AF_INET:
    bytes = (const uint8_t *)&((const struct sockaddr_in *)to)->sin_addr;
    size = 4;
    port = ntohs(((const struct sockaddr_in *)to)->sin_port);
    break;
  case AF_INET6:
    bytes = (const uint8_t *)&((const struct sockaddr_in6 *)to)->sin6_addr;
    size = 16;
    port = ntohs(((const struct sockaddr_in6 *)to)->sin6_port);
    break;
  default: // local sockets and the like
    bytes = NULL;
    size = port = 0;
  }
  int yes;
  ASK(yes, svmGuardConnect(g, (uint8_t *)bytes, size, port, datagram));
  if (!yes) errno = EACCES;
  return yes;
}

static int is_datagram(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size) {
  uintptr_t g = guard();
  if (g && svm_input_guard(svm_current())->connections++ == MOST_CONNECTIONS) ASK_NOTHING(svmGuardTooMuch(g, 0));
  return g && !allowed(g, to, is_datagram(fd)) ? -1 : __real_connect(fd, to, size);
}

ssize_t __wrap_sendto(int fd, const void *b, size_t n, int flags, const struct sockaddr *to, socklen_t size) {
  uintptr_t g = to ? guard() : 0;
  return g && !allowed(g, to, 1) ? -1 : __real_sendto(fd, b, n, flags, to, size);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags) {
  uintptr_t g = m->msg_name ? guard() : 0;
  return g && !allowed(g, m->msg_name, 1) ? -1 : __real_sendmsg(fd, m, flags);
}

int __wrap_srt_connect(int fd, const struct sockaddr *to, int size) {
  uintptr_t g = guard();
  return g && !allowed(g, to, 1) ? -1 : __real_srt_connect(fd, to, size);
}

// Names are resolved by the guard, which can be cancelled and gives only what may
// be reached. Numbers that are only to be read, and places to listen at, pass.
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  uintptr_t g = guard();
  if (!g || !node || !*node || (hints && hints->ai_flags & (AI_PASSIVE | AI_NUMERICHOST)))
    return __real_getaddrinfo(node, service, hints, out);
  struct addrinfo want = hints ? *hints : (struct addrinfo){0};
  want.ai_flags = AI_NUMERICHOST;
  int foreign = svm_input_guard(svm_current())->foreign;
  char *list;
  ASK(list, svmGuardResolve(g, (char *)node, want.ai_socktype == SOCK_DGRAM, foreign));
  if (!list) return EAI_FAIL;
  struct addrinfo **end = out;
  *out = NULL;
  for (char *rest = list, *one; (one = strsep(&rest, "\n"));) {
    if (!*one || __real_getaddrinfo(one, service, &want, end)) continue;
    while (*end) end = &(*end)->ai_next; // glibc frees such a list node by node
  }
  free(list);
  return *out ? 0 : EAI_NONAME;
}

// A file is judged once it is open, by the path that the system has for it.
int __wrap_avpriv_open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  int mode = va_arg(args, int);
  va_end(args);
  if (probing) {
    probing = 2;
    errno = ENOENT;
    return -1;
  }
  uintptr_t g = guard();
  if (!g) return __real_avpriv_open(path, flags, mode);
  if ((flags & O_ACCMODE) != O_RDONLY) {
    errno = EACCES;
    return -1;
  }
  int fd = __real_avpriv_open(path, flags | O_NONBLOCK, mode); // a pipe must not hold up
  if (fd < 0) return fd;
  char link[64], real[4096];
  struct stat st;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, real, sizeof real - 1);
  if (n > 0 && n < (ssize_t)sizeof real - 1 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
    real[n] = 0;
    int yes;
    ASK(yes, svmGuardFile(g, real));
    if (yes) return fd;
  }
  close(fd);
  errno = EACCES;
  return -1;
}

// Playlists are read line by line: one that never ends must.
int __wrap_ff_get_chomp_line(AVIOContext *pb, char *line, int size) {
  int n = __real_ff_get_chomp_line(pb, line, size);
  uintptr_t g = guard();
  if (g && n > 0) {
    int64_t *text = &svm_input_guard(svm_current())->text, before = *text;
    *text += n;
    if (before <= MOST_TEXT && *text > MOST_TEXT) ASK_NOTHING(svmGuardTooMuch(g, 1));
    if (*text > MOST_TEXT) {
      pb->eof_reached = 1;
      return 0;
    }
  }
  return n;
}

// A proxy would connect in the input's place, to wherever it is asked to.
char *__wrap_getenv(const char *name) {
  return guard() && !strcmp(name, "http_proxy") ? NULL : __real_getenv(name);
}

int svm_guard_works(void) {
  AVIOContext *pb = NULL;
  probing = 1;
  if (avio_open2(&pb, "file:/dev/null", AVIO_FLAG_READ, NULL, NULL) >= 0) avio_closep(&pb);
  int works = probing == 2;
  probing = 0;
  return works;
}

// Headers belong to one host: what a playlist names elsewhere is asked without them.
static int open_without_foreign_headers(AVFormatContext *fc, AVIOContext **pb, const char *url, int flags, AVDictionary **options) {
  svm_guard *g = svm_input_guard(svm_current());
  char host[1024];
  av_url_split(NULL, 0, NULL, 0, host, sizeof host, NULL, NULL, 0, url);
  int foreign = strcasecmp(host, g->headers_for) != 0;
  if (foreign && options) av_dict_set(options, "headers", NULL, 0);
  g->foreign = foreign;
  int rc = g->io_open(fc, pb, url, flags, options);
  g->foreign = 0;
  return rc;
}

void svm_guard_headers(svm_input *in, AVFormatContext *fc, const char *host) {
  svm_guard *g = svm_input_guard(in);
  snprintf(g->headers_for, sizeof g->headers_for, "%s", host);
  g->io_open = fc->io_open;
  fc->io_open = open_without_foreign_headers;
}
