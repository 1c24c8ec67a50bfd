#include "unit/counted_allocations.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>

namespace {

std::atomic<std::size_t> count{0};

// Of the thread that asked for it, so that no other is hit.
thread_local std::size_t granted = 0;
thread_local std::size_t refusals = 0;

// Of the threads of one name.
constexpr std::size_t longest_name = 16; // the system's own bound
std::array<char, longest_name> denied{};
std::atomic<std::size_t> bound{0};

bool is_denied(std::size_t size) noexcept {
    const std::size_t least = bound;
    std::array<char, longest_name> name{};
    return least != 0 && size >= least && pthread_getname_np(pthread_self(), name.data(), name.size()) == 0 &&
           std::strcmp(name.data(), denied.data()) == 0;
}

void* counted(std::size_t size) {
    ++count;
    if (is_denied(size)) {
        throw std::bad_alloc();
    }
    if (refusals > 0) {
        if (granted == 0) {
            --refusals;
            throw std::bad_alloc();
        }
        --granted;
    }
    if (void* memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc();
}

} // namespace

namespace iom::test {

std::size_t allocations() noexcept {
    return count;
}

void refuse_memory(std::size_t still, std::size_t failures) noexcept {
    granted = still;
    refusals = failures;
}

std::size_t grant_memory() noexcept {
    const std::size_t left = refusals;
    refusals = 0;
    return left;
}

void deny_memory(std::string_view thread, std::size_t least) {
    bound = 0;
    denied = {};
    thread.copy(denied.data(), denied.size() - 1);
    bound = least;
}

} // namespace iom::test

void* operator new(std::size_t size) {
    return counted(size);
}
void* operator new[](std::size_t size) {
    return counted(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
