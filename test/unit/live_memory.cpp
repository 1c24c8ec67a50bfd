#include "unit/live_memory.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

// The sanitizers have an allocator of their own, which keeps what was freed for a while; LeakSanitizer tells
// of what is lost.
std::size_t iom::test::live_bytes() noexcept {
    return 0;
}

#else

    #include <atomic>
    #include <cerrno>
    #include <malloc.h>
    #include <sys/mman.h>
    #include <sys/syscall.h>
    #include <unistd.h>

// glibc's allocator below the names that everybody calls. What it keeps for the next request (mallinfo counts
// that as used) is none of our business: only what the program holds is.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);
}

namespace {

std::atomic<std::size_t> live{0};

void* taken(void* memory) {
    live += malloc_usable_size(memory);
    return memory;
}

} // namespace

std::size_t iom::test::live_bytes() noexcept {
    return live;
}

extern "C" {

void* malloc(std::size_t size) {
    return taken(__libc_malloc(size));
}

void* calloc(std::size_t count, std::size_t size) {
    return taken(__libc_calloc(count, size));
}

void* realloc(void* memory, std::size_t size) {
    const std::size_t before = malloc_usable_size(memory);
    void* const moved = __libc_realloc(memory, size);
    if (moved != nullptr || size == 0) {
        live -= before;
    }
    return taken(moved);
}

void* memalign(std::size_t alignment, std::size_t size) {
    return taken(__libc_memalign(alignment, size));
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    void* const found = memalign(alignment, size);
    if (found == nullptr) {
        return ENOMEM;
    }
    *memory = found;
    return 0;
}

void free(void* memory) {
    live -= malloc_usable_size(memory);
    __libc_free(memory);
}

// Whoever takes pages instead. The allocator and the C library do so by other names.
void* mmap(void* wish, std::size_t size, int protection, int flags, int file, off_t offset) noexcept {
    const long made = syscall(SYS_mmap, wish, size, protection, flags, file, offset);
    if (made != -1) {
        live += size;
    }
    return reinterpret_cast<void*>(made); // MAP_FAILED is -1
}

int munmap(void* pages, std::size_t size) noexcept {
    const long result = syscall(SYS_munmap, pages, size);
    if (result == 0) {
        live -= size;
    }
    return static_cast<int>(result);
}
}

#endif
