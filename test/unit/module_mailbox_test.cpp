#include "module/mailbox.hpp"
#include "unit/counted_allocations.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace iom::ws {
namespace {

using iom::test::allocations;

record_head message(std::uint64_t number) {
    return {.type = record_type::message,
            .detail = 3,
            .flags = flag_binary,
            .number = number,
            .value = 7,
            .real = 0.5};
}

TEST(mailbox, gives_records_back_in_order_and_whole) {
    record_queue queue(1000, 100);
    EXPECT_TRUE(queue.push(message(1), {"one", "", "three"}));
    EXPECT_FALSE(queue.push(message(2))) << "the doorbell has been asked for already";
    EXPECT_TRUE(queue.more());

    const record* first = queue.next();
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->type, record_type::message);
    EXPECT_EQ(first->detail, 3);
    EXPECT_EQ(first->flags, flag_binary);
    EXPECT_EQ(first->number, 1U);
    EXPECT_EQ(first->value, 7U);
    EXPECT_EQ(first->real, 0.5);
    EXPECT_EQ(first->parts[0], "one");
    EXPECT_EQ(first->parts[1], "");
    EXPECT_EQ(first->parts[2], "three");
    const record* second = queue.next();
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->number, 2U);
    EXPECT_EQ(second->parts[0], "");
    EXPECT_EQ(queue.next(), nullptr);
    EXPECT_FALSE(queue.more());
}

TEST(mailbox, rings_again_once_the_consumer_has_turned_to_the_last_batch) {
    record_queue queue(1000, 100);
    EXPECT_TRUE(queue.push(message(1)));
    ASSERT_NE(queue.next(), nullptr);
    EXPECT_TRUE(queue.push(message(2)));
    EXPECT_FALSE(queue.push(message(3)));
}

TEST(mailbox, leaves_room_before_a_payload_and_lets_it_be_written) {
    record_queue queue(1000, 100);
    queue.push(message(1), {"aaaa"});
    queue.push(message(2), {"bbbb"});
    record* first = queue.next();
    for (std::size_t index = 0; index < payload_room; ++index) {
        first->payload[static_cast<std::ptrdiff_t>(index) - static_cast<std::ptrdiff_t>(payload_room)] =
            '\xff';
    }
    first->payload[0] = 'x';
    EXPECT_EQ(first->parts[0], "xaaa");
    EXPECT_EQ(queue.next()->parts[0], "bbbb");
}

TEST(mailbox, keeps_the_bytes_of_a_batch_until_it_ends) {
    record_queue queue(1000, 100);
    queue.push(message(1), {"one"});
    queue.push(message(2), {"two"});
    const std::string_view one = queue.next()->parts[0];
    EXPECT_FALSE(queue.batch_ends());
    const std::string_view two = queue.next()->parts[0];
    EXPECT_TRUE(queue.batch_ends());
    queue.push(message(3), {"three"});
    EXPECT_EQ(one, "one");
    EXPECT_EQ(two, "two");
}

TEST(mailbox, tells_a_waiting_producer_once_when_there_is_room) {
    record_queue queue(400, 200);
    EXPECT_FALSE(queue.wait_for_room()) << "nothing waits, so there is room";
    while (!queue.full()) {
        queue.push(message(1), {"some bytes"});
    }
    EXPECT_TRUE(queue.wait_for_room());
    ASSERT_NE(queue.next(), nullptr);
    EXPECT_FALSE(queue.settle()) << "still more than the low mark";
    while (queue.next() != nullptr) {}
    EXPECT_TRUE(queue.settle());
    EXPECT_FALSE(queue.settle());
    EXPECT_EQ(queue.waiting(), 0U);
}

TEST(mailbox, takes_one_record_larger_than_all_marks) {
    record_queue queue(100, 10);
    const std::string large(1 << 20, 'x');
    queue.push(message(1), {large});
    EXPECT_TRUE(queue.full());
    EXPECT_EQ(queue.next()->parts[0], large);
}

TEST(mailbox, allocates_nothing_in_steady_state) {
    record_queue queue(mailbox::mark_high, mailbox::mark_low);
    const std::string payload(4096, 'x');
    const auto round = [&] {
        for (int index = 0; index < 100; ++index) {
            queue.push(message(1), {payload});
        }
        int read = 0;
        while (queue.next() != nullptr) {
            ++read;
        }
        queue.settle();
        return read;
    };
    round();
    round();
    const std::size_t before = allocations();
    for (int index = 0; index < 100; ++index) {
        ASSERT_EQ(round(), 100);
    }
    EXPECT_EQ(allocations(), before);
}

TEST(mailbox, gives_memory_back_when_it_is_needed_no_more) {
    record_queue queue(mailbox::mark_high, mailbox::mark_low);
    const std::string large(1 << 20, 'x');
    const auto send = [&](std::string_view payload) {
        queue.push(message(1), {payload});
        const record* got = queue.next();
        return got != nullptr && got->parts[0] == payload;
    };
    EXPECT_TRUE(send(large));
    EXPECT_TRUE(send(large));
    queue.trim(); // it was needed since the last trim
    std::size_t before = allocations();
    EXPECT_TRUE(send(large));
    EXPECT_TRUE(send(large));
    EXPECT_EQ(allocations(), before);
    queue.trim();
    EXPECT_TRUE(send("small"));
    queue.trim();
    before = allocations();
    EXPECT_TRUE(send(large));
    EXPECT_GT(allocations(), before);
}

TEST(mailbox, trim_leaves_what_is_not_read_yet) {
    record_queue queue(mailbox::mark_high, mailbox::mark_low);
    const std::string large(1 << 16, 'x');
    queue.push(message(1), {large});
    queue.trim();
    queue.push(message(2), {large});
    ASSERT_EQ(queue.next()->number, 1U);
    queue.trim();
    const record* second = queue.next();
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->parts[0], large);
}

TEST(mailbox, loses_nothing_between_two_threads_that_wait_for_each_other) {
    record_queue queue(16 << 10, 4 << 10);
    constexpr std::uint64_t count = 200'000;
    std::atomic<bool> doorbell{false};
    std::atomic<bool> room{false};
    std::thread producer([&] {
        for (std::uint64_t number = 1; number <= count; ++number) {
            const std::string payload = std::to_string(number);
            if (queue.push(message(number), {payload})) {
                doorbell = true;
                doorbell.notify_one();
            }
            if (queue.full() && queue.wait_for_room()) {
                room.wait(false);
                room = false;
            }
        }
    });
    std::uint64_t expected = 1;
    while (expected <= count) {
        doorbell.wait(false);
        doorbell = false;
        while (const record* got = queue.next()) {
            ASSERT_EQ(got->number, expected);
            ASSERT_EQ(got->parts[0], std::to_string(expected));
            ++expected;
        }
        if (queue.settle()) {
            room = true;
            room.notify_one();
        }
    }
    producer.join();
}

TEST(mailbox, hands_settings_over_once_and_only_the_newest) {
    mailbox box;
    EXPECT_EQ(box.take(), nullptr);
    const auto first = std::make_shared<const settings>();
    const auto second = std::make_shared<const settings>();
    box.offer(first);
    box.offer(second);
    EXPECT_EQ(box.take(), second);
    EXPECT_EQ(box.take(), nullptr);
}

} // namespace
} // namespace iom::ws
