/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wire/packet.h"

static void what_is_written_is_read_back(void **state)
{
    struct packet_writer out = { 0 };
    struct packet_header header;
    struct packet_reader in;
    const char *text = NULL;
    const uint8_t *bytes;
    uint32_t number = 0;
    uint16_t port = 0;
    size_t at;

    (void) state;
    packet_writer_start(&out, 0x11);
    at = packet_reserve_u32(&out);
    packet_put_u32(&out, 7);
    packet_put_text(&out, "odd"); /* nothing behind it is aligned */
    packet_put_text(&out, "");
    packet_put_bytes(&out, "\1\2\3", 3);
    packet_put_u32(&out, 0xffffffff);
    packet_set_u32(&out, at, 1);
    assert_int_equal(packet_finish(&out, 0), 0);

    assert_int_equal(packet_header_read(out.bytes, &header), 0);
    assert_int_equal(header.bytes, out.used);
    assert_int_equal(header.bytes, 16 + 4 + 4 + 4 + 1 + 3 + 4);
    assert_int_equal(header.command, 0x11);
    assert_int_equal(header.status, 0);
    assert_int_equal(header.reserved, 0);

    packet_reader_init(&in, out.bytes + 16, out.used - 16);
    assert_int_equal(packet_get_u32(&in, &number), 0);
    assert_int_equal(number, 1);
    assert_int_equal(packet_get_u16(&in, &port), 0);
    assert_int_equal(port, 7);
    assert_int_equal(packet_get_u16(&in, &port), 0);
    assert_int_equal(port, 0);
    assert_int_equal(packet_get_text(&in, &text), 0);
    assert_string_equal(text, "odd");
    assert_int_equal(packet_get_text(&in, &text), 0);
    assert_string_equal(text, "");
    assert_int_equal(packet_get_bytes(&in, 3, &bytes), 0);
    assert_memory_equal(bytes, "\1\2\3", 3);
    assert_int_equal(packet_get_end(&in), -EBADMSG);
    assert_int_equal(packet_get_u32(&in, &number), 0);
    assert_int_equal(number, 0xffffffff);
    assert_int_equal(packet_get_end(&in), 0);
    packet_writer_done(&out);
}

/* Reads a text, a u32, a u16 and two bytes; returns how many of them were there. */
static int read_fields(const uint8_t *body, size_t bytes)
{
    struct packet_reader in;
    const char *text = "untouched";
    const uint8_t *tail = NULL;
    uint32_t number = 42;
    uint16_t port = 43;

    packet_reader_init(&in, body, bytes);
    if (packet_get_text(&in, &text) < 0) {
        assert_string_equal(text, "untouched");
        assert_int_equal(in.left, bytes);
        return 0;
    }
    if (packet_get_u32(&in, &number) < 0) {
        assert_int_equal(number, 42);
        return 1;
    }
    if (packet_get_u16(&in, &port) < 0) {
        assert_int_equal(port, 43);
        return 2;
    }
    if (packet_get_bytes(&in, 2, &tail) < 0) {
        assert_null(tail);
        return 3;
    }
    return packet_get_end(&in) == 0 ? 4 : -1;
}

static void every_truncation_is_met_where_it_is(void **state)
{
    static const uint8_t body[] = { 'd', 'b', '1', 0, 1, 0, 0, 0, 2, 0, 3, 4 };

    (void) state;
    for (size_t n = 0; n <= sizeof(body); n++) {
        uint8_t *copy = test_malloc(n + 1); /* so that a sanitizer sees a step too far */
        int wanted = n < 4 ? 0 : n < 8 ? 1 : n < 10 ? 2 : n < 12 ? 3 : 4;

        memcpy(copy + 1, body, n);
        assert_int_equal(read_fields(copy + 1, n), wanted);
        test_free(copy);
    }
}

static void a_text_without_its_zero_is_refused(void **state)
{
    struct packet_reader in;
    const char *text = "untouched";

    (void) state;
    packet_reader_init(&in, "db1", 3);
    assert_int_equal(packet_get_text(&in, &text), -EBADMSG);
    assert_string_equal(text, "untouched");
    packet_reader_init(&in, NULL, 0);
    assert_int_equal(packet_get_text(&in, &text), -EBADMSG);
}

static void more_bytes_than_there_are_are_refused(void **state)
{
    struct packet_reader in;
    const uint8_t *bytes = NULL;

    (void) state;
    packet_reader_init(&in, "abc", 3);
    assert_int_equal(packet_get_bytes(&in, 4, &bytes), -EBADMSG);
    assert_int_equal(packet_get_bytes(&in, SIZE_MAX, &bytes), -EBADMSG);
    assert_null(bytes);
    assert_int_equal(packet_get_bytes(&in, 3, &bytes), 0);
    assert_int_equal(packet_get_bytes(&in, 0, &bytes), 0);
}

static void a_header_shorter_than_itself_is_refused(void **state)
{
    uint8_t bytes[PACKET_HEADER_BYTES] = { 0 };
    struct packet_header header = { .bytes = 99 };

    (void) state;
    for (uint8_t n = 0; n < PACKET_HEADER_BYTES; n++) {
        bytes[0] = n;
        assert_int_equal(packet_header_read(bytes, &header), -EBADMSG);
        assert_int_equal(header.bytes, 99);
    }
    bytes[0] = PACKET_HEADER_BYTES;
    assert_int_equal(packet_header_read(bytes, &header), 0);
    assert_int_equal(header.bytes, PACKET_HEADER_BYTES);
}

static void an_error_drops_the_body(void **state)
{
    struct packet_writer out = { 0 };
    struct packet_header header;

    (void) state;
    packet_writer_start(&out, 0x22);
    packet_put_text(&out, "half an answer");
    assert_int_equal(packet_finish(&out, EINVAL), 0);
    assert_int_equal(out.used, PACKET_HEADER_BYTES);
    assert_int_equal(packet_header_read(out.bytes, &header), 0);
    assert_int_equal(header.bytes, PACKET_HEADER_BYTES);
    assert_int_equal(header.command, 0x22);
    assert_int_equal(header.status, EINVAL);
    packet_writer_done(&out);
}

static void the_first_failure_is_kept_until_the_next_packet(void **state)
{
    struct packet_writer out = { 0 };
    size_t used;

    (void) state;
    packet_writer_start(&out, 1);
    used = out.used;
    packet_put_bytes(&out, "", SIZE_MAX / 2); /* the header could not say it */
    packet_put_u32(&out, 1);
    packet_set_u32(&out, packet_reserve_u32(&out), 1);
    assert_int_equal(out.used, used);
    assert_int_equal(packet_finish(&out, 0), -EMSGSIZE);

    packet_writer_start(&out, 1);
    packet_put_u32(&out, 1);
    assert_int_equal(packet_finish(&out, 0), 0);
    packet_writer_done(&out);
}

static void a_large_packet_grows_and_its_room_is_kept(void **state)
{
    struct packet_writer out = { 0 };
    size_t room;

    (void) state;
    packet_writer_start(&out, 1);
    for (uint32_t i = 0; i < 100000; i++)
        packet_put_u32(&out, i);
    assert_int_equal(packet_finish(&out, 0), 0);
    assert_int_equal(out.used, 16 + 400000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_memory_equal(out.bytes + 16 + (size_t) 4 * i, &i, 4);

    room = out.room;
    packet_writer_start(&out, 1);
    assert_int_equal(out.used, 16);
    assert_int_equal(out.room, room);
    packet_writer_done(&out);
    assert_int_equal(out.room, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_truncation_is_met_where_it_is),
        cmocka_unit_test(a_text_without_its_zero_is_refused),
        cmocka_unit_test(more_bytes_than_there_are_are_refused),
        cmocka_unit_test(a_header_shorter_than_itself_is_refused),
        cmocka_unit_test(an_error_drops_the_body),
        cmocka_unit_test(the_first_failure_is_kept_until_the_next_packet),
        cmocka_unit_test(a_large_packet_grows_and_its_room_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
