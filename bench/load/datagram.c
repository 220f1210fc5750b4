#include "datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"

/* A datagram without a reply for this long is counted as lost, and its slot sends the next. */
#define LOST_AFTER_NANOSECONDS 100000000u
#define LOST_SCAN_NANOSECONDS 20000000u
#define BATCH 64
#define EVENTS_MAX 256
/* What the kernel hands out at once where it puts datagrams of one sender together. */
#define COALESCED_BYTES_MAX 65536u

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/*
 * The first bytes of every datagram: which slot it belongs to, which of its datagrams it is, and how
 * many copies of it are wanted.
 */
struct stamp {
  uint32_t slot;
  uint32_t sequence;
  uint32_t copies;
};

struct slot {
  uint64_t sent_at;
  uint32_t sequence;
  uint32_t awaited; /* copies of the datagram in flight that have not come; 0: nothing is in flight */
};

struct endpoint {
  int fd;
  uint32_t index;
  struct slot *slots; /* one per datagram in flight */
};

struct datagram_load {
  struct measurement *m;
  int epoll;
  uint64_t next_scan;
  struct endpoint *endpoints;
  /* One batch of buffers, used for receiving and then for the datagrams that replace them. */
  uint8_t *buffers;
  size_t buffer_size;
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
};

static uint8_t *buffer_of(const struct datagram_load *load, uint32_t index) {
  return load->buffers + (size_t)index * load->buffer_size;
}

/* The payload after the stamp depends on socket, slot and sequence, so a mix-up shows. */
static const uint8_t *payload_of(const struct endpoint *e, struct stamp stamp) {
  size_t start = pattern_start(e->index * 31u + stamp.slot);
  return pattern_table + pattern_advance(start, stamp.sequence);
}

static void reset_batch(struct datagram_load *load) {
  for (uint32_t i = 0; i < BATCH; i++) {
    load->vectors[i] =
        (struct iovec){.iov_base = buffer_of(load, i), .iov_len = load->buffer_size};
    memset(&load->messages[i].msg_hdr, 0, sizeof load->messages[i].msg_hdr);
    load->messages[i].msg_hdr.msg_iov = &load->vectors[i];
    load->messages[i].msg_hdr.msg_iovlen = 1;
  }
}

/* Of the first `count` buffers: a datagram that is sent may be shorter than what is received. */
static void set_lengths(struct datagram_load *load, uint32_t count, size_t length) {
  for (uint32_t i = 0; i < count; i++) load->vectors[i].iov_len = length;
}

static void write_datagram(struct datagram_load *load, struct endpoint *e, uint32_t slot,
                           uint32_t place, uint64_t now) {
  struct slot *s = &e->slots[slot];
  uint32_t copies = load->m->options->copies;
  struct stamp stamp = {.slot = slot, .sequence = ++s->sequence, .copies = copies};
  uint8_t *buffer = buffer_of(load, place);
  memcpy(buffer, &stamp, sizeof stamp);
  memcpy(buffer + sizeof stamp, payload_of(e, stamp), load->m->options->size - sizeof stamp);
  s->sent_at = now;
  s->awaited = copies;
}

/* Sends the first `count` buffers. What the socket does not take is later counted as lost. */
static void send_batch(struct datagram_load *load, struct endpoint *e, uint32_t count) {
  uint32_t done = 0;
  set_lengths(load, count, load->m->options->size);
  while (done < count) {
    int sent = sendmmsg(e->fd, load->messages + done, count - done, MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) break;
    if (sent < 0) {
      measurement_error(load->m, "socket %u: send: %s", e->index, strerror(errno));
      break;
    }
    done += (uint32_t)sent;
  }
  set_lengths(load, count, load->buffer_size);
}

/* The slot that has every answer with this one; -1 for a wrong or a late one, and before the last. */
static int64_t accept_reply(struct datagram_load *load, struct endpoint *e, const uint8_t *buffer,
                            size_t length, uint64_t now) {
  size_t size = load->m->options->size;
  struct stamp stamp;
  memcpy(&stamp, buffer, sizeof stamp);
  if (length != size || stamp.slot >= load->m->options->pipeline ||
      memcmp(buffer + sizeof stamp, payload_of(e, stamp), size - sizeof stamp) != 0) {
    measurement_error(load->m, "socket %u: a wrong reply of %zu bytes", e->index, length);
    return -1;
  }
  struct slot *slot = &e->slots[stamp.slot];
  if (slot->awaited == 0 || slot->sequence != stamp.sequence) return -1;
  measurement_received(load->m, length);
  if (--slot->awaited > 0) return -1;
  measurement_reply(load->m, now - slot->sent_at);
  return stamp.slot;
}

/* One message is one reply, or several that came together; returns how many slots are answered now. */
static uint32_t accept_message(struct datagram_load *load, struct endpoint *e, uint32_t place,
                               uint64_t now, uint32_t *answered) {
  const struct options *options = load->m->options;
  size_t rest = load->messages[place].msg_len;
  if ((load->messages[place].msg_hdr.msg_flags & MSG_TRUNC) != 0) rest = 0;
  const uint8_t *buffer = buffer_of(load, place);
  uint32_t count = 0;
  do {
    size_t length = options->copies > 1 && rest > options->size ? options->size : rest;
    int64_t slot = accept_reply(load, e, buffer, length, now);
    if (slot >= 0) answered[count++] = (uint32_t)slot;
    buffer += length;
    rest -= length;
  } while (rest > 0);
  return count;
}

static void receive_replies(struct datagram_load *load, struct endpoint *e) {
  int count;
  do {
    /* A slot is answered once before it is used again, and with copies there are no more slots. */
    uint32_t answered[BATCH];
    uint32_t answered_count = 0;
    count = recvmmsg(e->fd, load->messages, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      measurement_error(load->m, "socket %u: receive: %s", e->index, strerror(errno));
    }
    uint64_t now = now_nanoseconds();
    for (int i = 0; i < count; i++) {
      answered_count += accept_message(load, e, (uint32_t)i, now, answered + answered_count);
    }
    if (load->m->phase >= PHASE_DRAINING) continue;
    for (uint32_t i = 0; i < answered_count; i++) write_datagram(load, e, answered[i], i, now);
    send_batch(load, e, answered_count);
  } while (count == BATCH);
}

/* Fills every idle slot; counts those whose reply is overdue as lost first. */
static void refill(struct datagram_load *load, struct endpoint *e, uint64_t now) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < load->m->options->pipeline; i++) {
    struct slot *slot = &e->slots[i];
    if (slot->awaited > 0 && now - slot->sent_at < LOST_AFTER_NANOSECONDS) continue;
    load->m->lost += slot->awaited;
    slot->awaited = 0;
    if (load->m->phase >= PHASE_DRAINING) continue;
    write_datagram(load, e, i, count++, now);
    if (count == BATCH) {
      send_batch(load, e, count);
      count = 0;
    }
  }
  send_batch(load, e, count);
}

static void refill_all(struct datagram_load *load) {
  /* Read here: a time from before the last replies would lie before their datagrams were sent. */
  uint64_t now = now_nanoseconds();
  load->next_scan = now + LOST_SCAN_NANOSECONDS;
  for (uint32_t i = 0; i < load->m->options->connections; i++) {
    if (load->endpoints[i].fd >= 0) refill(load, &load->endpoints[i], now);
  }
}

static void open_all(struct datagram_load *load) {
  const struct options *options = load->m->options;
  struct slot *slots = calloc((size_t)options->connections * options->pipeline, sizeof *slots);
  load->endpoints = calloc(options->connections, sizeof *load->endpoints);
  load->buffer_size = options->copies > 1 ? COALESCED_BYTES_MAX : options->size;
  load->buffers = malloc(BATCH * load->buffer_size);
  if (slots == NULL || load->endpoints == NULL || load->buffers == NULL) abort();
  for (uint32_t i = 0; i < options->connections; i++) {
    struct endpoint *e = &load->endpoints[i];
    e->index = i;
    e->slots = slots + (size_t)i * options->pipeline;
    e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = e};
    if (e->fd < 0 ||
        connect(e->fd, (const struct sockaddr *)&options->address, options->address_length) != 0 ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, e->fd, &event) != 0) {
      measurement_error(load->m, "socket %u: open: %s", i, strerror(errno));
      if (e->fd >= 0) close(e->fd);
      e->fd = -1;
      continue;
    }
    /* A peer behind a network card costs the sender nothing. Here the sender's own system would cut for
     * it what was sent as one, unless it takes that. */
    int on = 1;
    if (options->copies > 1) setsockopt(e->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  }
}

static bool all_replied(const struct datagram_load *load) {
  const struct options *options = load->m->options;
  for (uint32_t i = 0; i < options->connections; i++) {
    for (uint32_t j = 0; j < options->pipeline; j++) {
      if (load->endpoints[i].slots[j].awaited > 0) return false;
    }
  }
  return true;
}

static void run_loop(struct datagram_load *load) {
  struct measurement *m = load->m;
  struct epoll_event events[EVENTS_MAX];
  uint64_t now = now_nanoseconds();
  while (m->phase != PHASE_OVER) {
    int timeout = measurement_timeout(m, now);
    int scan_timeout = (int)(LOST_SCAN_NANOSECONDS / 1000000u);
    int count = epoll_wait(load->epoll, events, EVENTS_MAX,
                           timeout < scan_timeout ? timeout : scan_timeout);
    now = now_nanoseconds();
    measurement_turn(m, now);
    for (int i = 0; i < count; i++) receive_replies(load, events[i].data.ptr);
    if (now >= load->next_scan) refill_all(load);
    if (m->phase == PHASE_DRAINING && all_replied(load)) m->phase = PHASE_OVER;
  }
}

void datagram_run(struct measurement *m) {
  static struct datagram_load load;
  load.m = m;
  load.epoll = epoll_create1(EPOLL_CLOEXEC);
  open_all(&load);
  reset_batch(&load);
  measurement_start(m);
  refill_all(&load);
  run_loop(&load);
  for (uint32_t i = 0; i < m->options->connections; i++) {
    if (load.endpoints[i].fd >= 0) close(load.endpoints[i].fd);
  }
  free(load.endpoints[0].slots);
  free(load.endpoints);
  free(load.buffers);
  close(load.epoll);
}
