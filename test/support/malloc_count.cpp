// Counts what a program asks the heap for, for tests and `./dev bench`: LD_PRELOAD=…/libmalloc_count.so, and
// MALLOC_COUNT_FILE=FILE, eight bytes that hold the count at any moment.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own, under the names that it has for those who put something before them.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

using counter = std::atomic<std::uint64_t>;
static_assert(counter::is_always_lock_free && sizeof(counter) == 8);

counter before{0};
std::atomic<counter*> count{&before};

[[gnu::constructor]] void begin() {
    const char* const name = std::getenv("MALLOC_COUNT_FILE");
    if (name == nullptr) {
        return;
    }
    const int file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    void* const at = mmap(nullptr, sizeof(counter), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (at != MAP_FAILED) {
        count = static_cast<counter*>(at);
    }
}

void counted() {
    count.load(std::memory_order_relaxed)->fetch_add(1, std::memory_order_relaxed);
}

} // namespace

extern "C" {

[[gnu::visibility("default")]] void* malloc(std::size_t size) {
    counted();
    return __libc_malloc(size);
}

[[gnu::visibility("default")]] void* calloc(std::size_t number, std::size_t size) {
    counted();
    return __libc_calloc(number, size);
}

[[gnu::visibility("default")]] void* realloc(void* memory, std::size_t size) {
    counted();
    return __libc_realloc(memory, size);
}

[[gnu::visibility("default")]] void* memalign(std::size_t alignment, std::size_t size) {
    counted();
    return __libc_memalign(alignment, size);
}

[[gnu::visibility("default")]] void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return memalign(alignment, size);
}

[[gnu::visibility("default")]] int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    void* const got = memalign(alignment, size);
    if (got == nullptr) {
        return ENOMEM;
    }
    *memory = got;
    return 0;
}
}
