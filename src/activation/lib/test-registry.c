/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of registry.c, with real processes. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "lib/registry.h"
#include "test/fixture.h"

struct process {
    pid_t pid;
    char connection; /* its address stands for one */
};

static void process_start(struct process *process)
{
    process->pid = fork();
    assert_return_code(process->pid, errno);
    if (process->pid == 0) {
        (void) pause(); /* until it is killed */
        _exit(0);
    }
}

static int pidfd_of(const struct process *process)
{
    int fd = pidfd_open(process->pid, 0);

    assert_return_code(fd, errno);
    return fd;
}

/* It has ended, and nobody has waited for it yet. */
static void process_end(const struct process *process)
{
    struct pollfd polled = { .fd = pidfd_of(process), .events = POLLIN };

    assert_int_equal(kill(process->pid, SIGKILL), 0);
    assert_int_equal(poll(&polled, 1, -1), 1);
    (void) close(polled.fd);
}

static void process_reap(struct process *process)
{
    assert_int_equal(waitpid(process->pid, NULL, 0), process->pid);
}

struct fixture {
    struct registry *registry;
    struct process first, second;
};

static int fixture_make(void **state)
{
    static struct fixture f;

    assert_int_equal(registry_new(&f.registry), 0);
    process_start(&f.first);
    process_start(&f.second);
    *state = &f;
    return 0;
}

static int fixture_free(void **state)
{
    struct fixture *f = *state;

    f->registry = registry_free(f->registry);
    (void) kill(f->first.pid, SIGKILL); /* the test may have */
    (void) kill(f->second.pid, SIGKILL);
    process_reap(&f->first);
    process_reap(&f->second);
    return 0;
}

static int register_at(struct fixture *f, struct process *process, const char *service, enum service_type type,
                       const struct registration **ret)
{
    return registry_register(f->registry, service, type, process->pid, pidfd_of(process), &process->connection, ret);
}

static const struct registration *find(const struct fixture *f, const char *service)
{
    const struct registration *r = NULL;

    while ((r = registry_next(f->registry, r)) && strcmp(r->service, service) != 0)
        ;
    return r;
}

static size_t count(const struct fixture *f)
{
    size_t n = 0;

    for (const struct registration *r = NULL; (r = registry_next(f->registry, r));)
        n++;
    return n;
}

/* What a monitor does when a connection has closed. */
static int lost(struct fixture *f, const void *connection)
{
    const struct registration *r = NULL;

    while ((r = registry_next(f->registry, r)) && r->connection != connection)
        ;
    return r ? registry_unregister(f->registry, r->generation) : 0;
}

static void types_are_three_words(void **state)
{
    static const char *const good[] = { "static", "socket", "dbus" };
    static const char *const bad[] = { "", "Socket", "socket ", "sockets", "systemd", "0" };
    enum service_type type = SERVICE_DBUS;

    (void) state;
    for (size_t i = 0; i < N_OF(good); i++) {
        assert_int_equal(service_type_parse(good[i], &type), 0);
        assert_string_equal(service_type_text(type), good[i]);
    }
    for (size_t i = 0; i < N_OF(bad); i++) {
        assert_int_equal(service_type_parse(bad[i], &type), -EINVAL);
        assert_int_equal(type, SERVICE_DBUS);
    }
}

static void a_service_registers_however_it_was_started(void **state)
{
    static const enum service_type types[] = { SERVICE_STATIC, SERVICE_SOCKET, SERVICE_DBUS };
    struct fixture *f = *state;

    for (size_t i = 0; i < N_OF(types); i++) {
        const struct registration *r;

        assert_int_equal(register_at(f, &f->first, "nss", types[i], &r), 0);
        assert_string_equal(r->service, "nss");
        assert_int_equal(r->type, types[i]);
        assert_int_equal(r->pid, f->first.pid);
        assert_ptr_equal(r->connection, &f->first.connection);
        assert_ptr_equal(find(f, "nss"), r);
        assert_int_equal(count(f), 1);
        assert_int_equal(registry_unregister(f->registry, r->generation), 1);
        assert_null(find(f, "nss"));
        assert_int_equal(count(f), 0);
    }
}

static void a_second_living_instance_is_refused_without_harm(void **state)
{
    const struct registration *r, *other = NULL;
    struct fixture *f = *state;
    uint64_t generation;

    assert_int_equal(register_at(f, &f->first, "nss", SERVICE_SOCKET, &r), 0);
    generation = r->generation;
    assert_int_equal(register_at(f, &f->second, "nss", SERVICE_STATIC, &other), -EEXIST);
    assert_ptr_equal(other, r);
    assert_int_equal(r->pid, f->first.pid);
    assert_int_equal(r->generation, generation);
    assert_int_equal(r->type, SERVICE_SOCKET);
    assert_int_equal(count(f), 1);

    /* The refused one's connection closes, which is nobody's end. */
    assert_int_equal(lost(f, &f->second.connection), 0);
    assert_non_null(find(f, "nss"));
}

static void who_is_gone_makes_room_before_its_connection_is_seen_to_close(void **state)
{
    const struct registration *r;
    struct fixture *f = *state;
    uint64_t generation;

    assert_int_equal(register_at(f, &f->first, "nss", SERVICE_SOCKET, &r), 0);
    generation = r->generation;
    process_end(&f->first);
    assert_int_equal(register_at(f, &f->second, "nss", SERVICE_SOCKET, &r), 0);
    assert_int_equal(r->pid, f->second.pid);
    assert_int_equal(r->generation, generation + 1);
    assert_int_equal(r->restarts, 1);
    assert_int_equal(count(f), 1);

    /* Now the close is seen: it was the other's. */
    assert_int_equal(lost(f, &f->first.connection), 0);
    assert_int_equal(registry_unregister(f->registry, generation), 0);
    assert_int_equal(find(f, "nss")->pid, f->second.pid);
}

static void a_dead_process_registers_too_late(void **state)
{
    const struct registration *r;
    struct fixture *f = *state;
    int pidfd;

    process_end(&f->first);
    assert_int_equal(register_at(f, &f->first, "nss", SERVICE_SOCKET, &r), -ESRCH);
    assert_int_equal(count(f), 0);

    /* Its parent has waited for it, so that it has no pidfd any more. */
    assert_int_equal(registry_register(f->registry, "nss", SERVICE_SOCKET, f->first.pid, -1, f, &r), -ESRCH);
    assert_int_equal(count(f), 0);

    /* Nor does it push out who has come since. */
    assert_int_equal(register_at(f, &f->second, "nss", SERVICE_SOCKET, &r), 0);
    pidfd = pidfd_of(&f->first);
    assert_int_equal(registry_register(f->registry, "nss", SERVICE_SOCKET, f->second.pid, pidfd, f, &r), -ESRCH);
    assert_ptr_equal(find(f, "nss")->connection, &f->second.connection);
}

static void a_process_may_come_again_on_a_new_connection(void **state)
{
    const struct registration *r;
    struct fixture *f = *state;
    char connection;

    assert_int_equal(register_at(f, &f->first, "nss", SERVICE_SOCKET, &r), 0);
    assert_int_equal(registry_register(f->registry, "nss", SERVICE_SOCKET, f->first.pid, pidfd_of(&f->first), &connection, &r), 0);
    assert_int_equal(lost(f, &f->first.connection), 0);
    assert_int_equal(count(f), 1);
    assert_int_equal(lost(f, &connection), 1);
    assert_int_equal(count(f), 0);
}

static void the_restart_number_is_each_services_own(void **state)
{
    const struct registration *r;
    struct fixture *f = *state;
    uint64_t last = 0;

    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(register_at(f, &f->first, "nss", SERVICE_SOCKET, &r), 0);
        assert_int_equal(r->restarts, i);
        assert_true(r->generation > last);
        last = r->generation;
        assert_int_equal(lost(f, r->connection), 1);
    }
    assert_int_equal(register_at(f, &f->first, "pam", SERVICE_SOCKET, &r), 0);
    assert_int_equal(r->restarts, 0);
    assert_true(r->generation > last);
}

static void all_that_are_registered_are_listed(void **state)
{
    static const char *const services[] = { "nss", "pam", "ssh", "sudo" };
    const struct registration *r;
    struct fixture *f = *state;
    unsigned seen = 0;

    for (size_t i = 0; i < N_OF(services); i++)
        assert_int_equal(register_at(f, &f->first, services[i], SERVICE_SOCKET, &r), 0);
    assert_int_equal(registry_unregister(f->registry, find(f, "pam")->generation), 1);
    assert_int_equal(count(f), 3);
    for (r = NULL; (r = registry_next(f->registry, r));)
        for (size_t i = 0; i < N_OF(services); i++)
            seen += strcmp(r->service, services[i]) == 0 ? 1u << i : 0;
    assert_int_equal(seen, 0xd);
    assert_int_equal(registry_unregister(f->registry, 0), 0);
    assert_int_equal(register_at(f, &f->first, "", SERVICE_SOCKET, &r), -EINVAL);
}

int main(void)
{
#define WITH_TWO(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_free)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_three_words),
        WITH_TWO(a_service_registers_however_it_was_started),
        WITH_TWO(a_second_living_instance_is_refused_without_harm),
        WITH_TWO(who_is_gone_makes_room_before_its_connection_is_seen_to_close),
        WITH_TWO(a_dead_process_registers_too_late),
        WITH_TWO(a_process_may_come_again_on_a_new_connection),
        WITH_TWO(the_restart_number_is_each_services_own),
        WITH_TWO(all_that_are_registered_are_listed),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
