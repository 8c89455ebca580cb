/*
 * Keeps an armed watchdog device open beyond the death of its agent.
 *
 * The kernel feeds a watchdog once more when its last descriptor is closed without the magic character. An agent that
 * is killed just before its starved watchdog fires would so give the node a second time-out, and every proof would have to
 * wait for it. This process holds the same open file (descriptor 3, inherited), never writes to it, and leaves the
 * agent's control group, so that nothing that ends the agent's container ends it too. A restarted agent takes the descriptor
 * back with pidfd_getfd; a clean stop switches the device off first and then ends this process with SIGUSR1.
 *
 * watchdog-holder      says "ready" on descriptor 1 once it holds
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static void end(int signal)
{
	(void)signal;
	_exit(0);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return; /* best effort: where it does not work the container's end is one more time-out, and the agent is told so */
	if (write(fd, text, strlen(text)) < 0) {
		/* nothing to be done about it here */
	}
	close(fd);
}

int main(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT };
	unsigned i;

	if (fcntl(3, F_GETFD) < 0)
		return 64;
	setsid();
	prctl(PR_SET_NAME, "hawser-holder");
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGUSR1, end);
	put("/proc/self/oom_score_adj", "-1000");
	/* The host's root group, seen through its first process: it exists also where the agent has namespaces of its own. */
	put("/proc/1/root/sys/fs/cgroup/cgroup.procs", "0");
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0) {
		/* a page that has to be read again is a page: this process only sleeps */
	}
	if (write(1, "ready\n", 6) != 6)
		return 70;
	close(0);
	close(1);
	close(2);
	for (;;)
		pause();
}
