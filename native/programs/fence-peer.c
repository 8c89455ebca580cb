/*
 * fence-peer handler of DRBD 8.4: asks the Hawser agent whether the peer may be given up.
 *
 * The kernel keeps the I/O of a primary frozen until this program ends. It runs as a usermode helper:
 * almost empty environment, the host's name, no standard files worth using. It therefore needs nothing
 * but the agent's socket, is linked statically, and asks again while the agent is away or says "wait".
 *
 * fence-peer [SOCKET]    exit 4 peer outdated, 5 peer unreachable and gone, 7 peer fenced, 1 no proof
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/hawser/agent.sock"
#define GIVE_UP_AFTER_S 300 /* an agent that stays away this long: no proof, the kernel keeps I/O frozen */
#define ANSWER_WITHIN_S 60  /* the agent says "wait" long before; this only bounds a hung one */

enum { AGAIN_AWAY = -1, AGAIN_WAIT = -2 };

/* A DRBD name may hold anything but white space and '/': quote what JSON cannot hold as it is. */
static int quote(char *out, size_t room, const char *in)
{
	size_t n = 0;

	for (; *in; in++) {
		unsigned char c = (unsigned char)*in;

		if (n + 7 > room)
			return -1;
		if (c == '"' || c == '\\' || c < 0x20)
			n += (size_t)sprintf(out + n, "\\u%04x", c);
		else
			out[n++] = (char)c;
	}
	out[n] = 0;
	return 0;
}

static int open_agent(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_WITHIN_S };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One question. Returns an exit code, or why to ask again. */
static int ask(const char *path, const char *resource)
{
	char body[1024], request[2048], answer[4096], *code;
	size_t got = 0, sent = 0, length;
	int fd = open_agent(path);
	long exit_code;
	ssize_t n;

	if (fd < 0)
		return AGAIN_AWAY;
	snprintf(body, sizeof(body), "{\"resource\":\"%s\"}", resource);
	length = (size_t)snprintf(request, sizeof(request),
		"POST /v1/fence-peer HTTP/1.0\r\nHost: agent\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	while (sent < length) {
		n = write(fd, request + sent, length - sent);
		if (n <= 0) {
			close(fd);
			return AGAIN_AWAY;
		}
		sent += (size_t)n;
	}
	while (got < sizeof(answer) - 1) {
		n = read(fd, answer + got, sizeof(answer) - 1 - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	answer[got] = 0;
	if (strncmp(answer, "HTTP/1.", 7) != 0 || strstr(answer, " 200 ") == NULL)
		return AGAIN_AWAY;
	code = strstr(answer, "\"exit\":");
	if (code == NULL)
		return AGAIN_AWAY;
	exit_code = strtol(code + 7, NULL, 10);
	if (exit_code == 0)
		return AGAIN_WAIT;
	/* Only these mean proof; anything else must not unfreeze the kernel. */
	return exit_code == 4 || exit_code == 5 || exit_code == 7 ? (int)exit_code : 1;
}

int main(int argc, char **argv)
{
	const char *name = getenv("DRBD_RESOURCE");
	const char *path = argc > 1 ? argv[1] : DEFAULT_SOCKET;
	char resource[800];
	struct timespec now, heard;
	int exit_code;

	if (name == NULL || *name == 0 || quote(resource, sizeof(resource), name) < 0)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &heard);
	for (;;) {
		exit_code = ask(path, resource);
		if (exit_code >= 0)
			return exit_code;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (exit_code == AGAIN_WAIT)
			heard = now;
		if (now.tv_sec - heard.tv_sec >= GIVE_UP_AFTER_S)
			return 1;
		usleep(200 * 1000);
	}
}
