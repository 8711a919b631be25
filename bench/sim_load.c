/*
 * sim_load.c
 *		Sends one HTTP request over and over and counts the answers.
 *
 *	sim_load PORT SECONDS CONNECTIONS STATUS <REQUEST
 *
 * Standard input is the whole request as it goes over the wire.  Every connection is kept alive and has one
 * request under way.  Prints the answers per second; ends with an error when one has another status than
 * STATUS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST   64
#define ANSWER 65536

typedef struct connection
{
	size_t got;
	char data[ANSWER];
} connection;

static char request[65536];
static size_t request_len;
static connection connections[MOST];
static struct pollfd fds[MOST];

static void
die(const char *what)
{
	fprintf(stderr, "sim_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static int
connect_to(int port)
{
	struct sockaddr_in addr = {0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	addr.sin_family = AF_INET;
	addr.sin_port = htons((uint16_t) port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *) &addr, sizeof(addr)) != 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
send_request(int fd)
{
	if (send(fd, request, request_len, MSG_NOSIGNAL) != (ssize_t) request_len)
		die("send");
}

/* Is the answer in the buffer complete?  Then its status, else 0. */
static int
complete(connection *c)
{
	char *end;
	char *length;
	size_t body = 0;

	c->data[c->got] = '\0';
	end = strstr(c->data, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = strcasestr(c->data, "\r\ncontent-length:");
	if (length && length < end)
		body = strtoul(length + 17, NULL, 10);
	if (c->got < (size_t) (end + 4 - c->data) + body)
		return 0;
	return atoi(c->data + 9);
}

int
main(int argc, char **argv)
{
	int port = argc == 5 ? atoi(argv[1]) : 0;
	double seconds = argc == 5 ? atof(argv[2]) : 0;
	int n = argc == 5 ? atoi(argv[3]) : 0;
	int status = argc == 5 ? atoi(argv[4]) : 0;
	long answers = 0;
	double began;
	double spent;

	if (port <= 0 || seconds <= 0 || n < 1 || n > MOST)
	{
		fputs("usage: sim_load PORT SECONDS CONNECTIONS STATUS <REQUEST\n", stderr);
		return 2;
	}
	request_len = fread(request, 1, sizeof(request), stdin);
	for (int i = 0; i < n; i++)
	{
		fds[i].fd = connect_to(port);
		fds[i].events = POLLIN;
		send_request(fds[i].fd);
	}
	began = now();
	while ((spent = now() - began) < seconds)
	{
		if (poll(fds, (nfds_t) n, 1000) <= 0)
			continue;
		for (int i = 0; i < n; i++)
		{
			connection *c = &connections[i];
			ssize_t got;
			int is;

			if (fds[i].revents == 0)
				continue;
			got = recv(fds[i].fd, c->data + c->got, ANSWER - 1 - c->got, 0);
			if (got <= 0)
				die("recv");
			c->got += (size_t) got;
			is = complete(c);
			if (is == 0)
				continue;
			if (is != status)
			{
				fprintf(stderr, "sim_load: status %d\n%s\n", is, c->data);
				return 1;
			}
			answers++;
			c->got = 0;
			send_request(fds[i].fd);
		}
	}
	printf("%.0f\n", (double) answers / spent);
	return 0;
}
