/*
 * The floor: what one thread can do that does nothing but fan out. An epoll server on 127.0.0.1 that knows two requests:
 *
 *   GET  …   becomes a reader: a head, an event `live`, then every event published
 *   POST …   each line of the body is one event: made into one HTTP chunk once, and that chunk goes to every reader by
 *            one write(2) an event; answered with 204 when the last write is done
 *
 * No parsing of events, no history, no ids to resume from, no heartbeats, no backpressure: a reader whose socket takes
 * less than a whole chunk is dropped, because a stream may only be cut between frames.
 *
 *   fan-out <port>
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX (64 * 1024)
#define FDS_MAX 65536
#define BACKLOG 16384

static const char HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
    "16\r\nevent: live\ndata: {}\n\n\r\n";
static const char DONE[] = "HTTP/1.1 204 No Content\r\n\r\n";

/* A connection that still asks; one that reads needs no more than its number in `readers`. */
struct request {
  size_t used;
  char bytes[REQUEST_MAX + 1];
};

static struct request *requests[FDS_MAX];
static int readers[FDS_MAX];
static int reader_count;
/* Place in `readers` plus one; 0 = not a reader. */
static int place[FDS_MAX];
static unsigned long event_id;

static void drop(int fd) {
  if (place[fd]) {
    int last = readers[--reader_count];
    readers[place[fd] - 1] = last;
    place[last] = place[fd];
    place[fd] = 0;
  }
  free(requests[fd]);
  requests[fd] = NULL;
  close(fd);
}

/* False where the kernel did not take all of it. */
static int write_whole(int fd, const char *bytes, size_t length) {
  return write(fd, bytes, length) == (ssize_t)length;
}

static void fan_out(const char *line, int length) {
  static char frame[REQUEST_MAX + 256], chunk[REQUEST_MAX + 512];
  int framed = snprintf(frame, sizeof frame, "id: %lu\nevent: tick\ndata: %.*s\n\n", ++event_id,
                        length, line);
  int size = snprintf(chunk, sizeof chunk, "%x\r\n%.*s\r\n", framed, framed, frame);
  /* Downwards: dropping a reader puts the last one, which has been served, into its place. */
  for (int i = reader_count - 1; i >= 0; i--)
    if (!write_whole(readers[i], chunk, size)) drop(readers[i]);
}

static void publish(char *body, size_t length) {
  for (char *line = body, *end = body + length; line < end;) {
    char *newline = memchr(line, '\n', end - line);
    size_t line_length = (newline ? newline : end) - line;
    if (line_length > 0) fan_out(line, line_length);
    line += line_length + 1;
  }
}

/* Takes the first request out of the buffer. Returns 1 where it did, 0 where it is not whole yet, -1 to drop. */
static int answer(int fd, struct request *request) {
  request->bytes[request->used] = '\0';
  char *head_end = strstr(request->bytes, "\r\n\r\n");
  if (!head_end) return request->used == REQUEST_MAX ? -1 : 0;
  if (strncmp(request->bytes, "GET ", 4) == 0) {
    if (!write_whole(fd, HEAD, sizeof HEAD - 1)) return -1;
    readers[reader_count] = fd;
    place[fd] = ++reader_count;
    free(request);
    requests[fd] = NULL;
    return 0;
  }
  char *field = strcasestr(request->bytes, "\r\ncontent-length:");
  size_t length = field && field < head_end ? strtoul(field + 17, NULL, 10) : 0;
  size_t whole = head_end + 4 - request->bytes + length;
  if (whole > REQUEST_MAX) return -1;
  if (request->used < whole) return 0;
  publish(head_end + 4, length);
  if (!write_whole(fd, DONE, sizeof DONE - 1)) return -1;
  memmove(request->bytes, request->bytes + whole, request->used - whole);
  request->used -= whole;
  return 1;
}

static void on_readable(int fd) {
  struct request *request = requests[fd];
  char ignored[512];
  ssize_t got = request ? read(fd, request->bytes + request->used, REQUEST_MAX - request->used)
                        : read(fd, ignored, sizeof ignored);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(fd);
  if (!request) return;
  request->used += got;
  int answered;
  while ((answered = answer(fd, request)) > 0) continue;
  if (answered < 0) drop(fd);
}

static void on_connection(int listener, int poll) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0) return;
  if (fd >= FDS_MAX || !(requests[fd] = malloc(sizeof(struct request)))) {
    close(fd);
    return;
  }
  requests[fd]->used = 0;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

int main(int argc, char **argv) {
  /* Whoever started it may be killed: it must not stay behind. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int poll = epoll_create1(0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, BACKLOG) ||
      epoll_ctl(poll, EPOLL_CTL_ADD, listener,
                &(struct epoll_event){.events = EPOLLIN, .data.fd = listener})) {
    perror("fan-out");
    return 1;
  }
  struct epoll_event ready[256];
  for (;;) {
    int count = epoll_wait(poll, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = ready[i].data.fd;
      if (fd == listener)
        on_connection(listener, poll);
      else if (requests[fd] || place[fd]) /* not dropped since by a publish of this turn */
        on_readable(fd);
    }
  }
}
