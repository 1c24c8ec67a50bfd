#include "unit/denied_memory.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>

namespace {

constexpr std::size_t longest_name = 16; // the system's own bound

std::array<char, longest_name> denied{};
std::atomic<std::size_t> bound{0};

bool is_denied(std::size_t size) noexcept {
    const std::size_t least = bound;
    std::array<char, longest_name> name{};
    return least != 0 && size >= least && pthread_getname_np(pthread_self(), name.data(), name.size()) == 0 &&
           std::strcmp(name.data(), denied.data()) == 0;
}

void* granted(std::size_t size) {
    void* const memory = is_denied(size) ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

} // namespace

namespace iom::test {

void deny_memory(std::string_view thread, std::size_t least) {
    bound = 0;
    denied = {};
    thread.copy(denied.data(), denied.size() - 1);
    bound = least;
}

} // namespace iom::test

void* operator new(std::size_t size) {
    return granted(size);
}
void* operator new[](std::size_t size) {
    return granted(size);
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
