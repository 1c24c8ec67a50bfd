#include "loader.hpp"

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace iom::host {
namespace {

using manifest::mistake;

bool is_kebab(std::string_view id) {
    return !id.empty() && id.size() <= 64 && id.front() != '-' && id.back() != '-' &&
           id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string as_hex(std::uint64_t token) {
    std::array<char, 24> text{};
    const int size = std::snprintf(text.data(), text.size(), "%016" PRIx64, token);
    return {text.data(), static_cast<std::size_t>(size)};
}

/// The machine of this process, read from its own image.
ElfW(Half) own_machine() {
#if defined(__x86_64__)
    return EM_X86_64;
#elif defined(__aarch64__)
    return EM_AARCH64;
#elif defined(__arm__)
    return EM_ARM;
#elif defined(__i386__)
    return EM_386;
#elif defined(__riscv)
    return EM_RISCV;
#else
    return EM_NONE;
#endif
}

/// Whether every segment that would be mapped lies within the file; one beyond its end kills the process.
bool is_whole(int descriptor, const ElfW(Ehdr) & header, std::uint64_t size) {
    for (std::size_t number = 0; number < header.e_phnum; ++number) {
        ElfW(Phdr) segment{};
        const std::uint64_t at = header.e_phoff + number * std::uint64_t{header.e_phentsize};
        if (header.e_phentsize < sizeof segment || at > size ||
            pread(descriptor, &segment, sizeof segment, static_cast<off_t>(at)) !=
                static_cast<ssize_t>(sizeof segment)) {
            return false;
        }
        if (segment.p_type == PT_LOAD &&
            (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)) {
            return false;
        }
    }
    return header.e_phnum > 0;
}

std::string judge_open_object(int descriptor) {
    struct stat facts {};
    ElfW(Ehdr) header{};
    ssize_t got = -1;
    if (fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode)) {
        got = pread(descriptor, &header, sizeof header, 0);
    }
    if (got < EI_NIDENT || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return "This is no shared object (it does not begin like an ELF file): build the module anew or copy "
               "it "
               "again.";
    }
    constexpr unsigned char own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
    const bool readable = got == static_cast<ssize_t>(sizeof header);
    const bool fits = header.e_ident[EI_CLASS] == own_class &&
                      (!readable || own_machine() == EM_NONE || header.e_machine == own_machine());
    if (!fits) {
        return "This shared object is for another machine (ELF machine " + std::to_string(header.e_machine) +
               ", " + (header.e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32") + " bit; here it is " +
               std::to_string(own_machine()) + ", " + std::to_string(sizeof(void*) * 8) +
               " bit): take the module that was built for this one.";
    }
    if (readable && header.e_type != ET_DYN) {
        return "This ELF file is no shared object (type " + std::to_string(header.e_type) +
               "): link it with -shared.";
    }
    if (!readable || !is_whole(descriptor, header, static_cast<std::uint64_t>(facts.st_size))) {
        return "The file of this shared object is cut short: copy it again.";
    }
    return {};
}

/// What is wrong with the file as a shared object for this machine, before any of its code could run; empty
/// if nothing is.
std::string judge_object(const std::filesystem::path& object) {
    const int descriptor = open(object.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        const int error = errno;
        return error == ENOENT ? "There is no such file: put the module's shared object there, or name its "
                                 "folder with --modules."
                               : std::string("The module cannot be read: ") + std::strerror(error) + ".";
    }
    std::string sentence = judge_open_object(descriptor);
    close(descriptor);
    return sentence;
}

std::string judge_entry(const iom_entry& entry) {
    if (entry.abi != IOM_ABI) {
        return "The module was made for contract number " + std::to_string(entry.abi) +
               ", this host has number " + std::to_string(IOM_ABI) +
               ": take a module and a host of the same number.";
    }
    if (entry.id == nullptr || entry.version == nullptr || entry.functions == nullptr ||
        entry.create == nullptr) {
        return "The module's iom_entry has an empty id, version, functions or create: all must be filled.";
    }
    const iom_module& functions = *entry.functions;
    const bool whole = functions.extension != nullptr && functions.set != nullptr &&
                       functions.start != nullptr && functions.invoke != nullptr &&
                       functions.service != nullptr && functions.stop != nullptr &&
                       functions.destroy != nullptr;
    return whole ? std::string()
                 : "A function is missing in the module's table: all of iom_module must be filled.";
}

std::string judge_agreement(const iom_entry& entry, const manifest::module_manifest& read,
                            const std::filesystem::path& manifest_file) {
    if (entry.id != read.id) {
        return "The shared object says that it is \"" + std::string(entry.id) + "\", its manifest " +
               manifest_file.string() + " describes \"" + read.id +
               "\": put the two that belong together side by side.";
    }
    if (entry.token != read.token) {
        return "The shared object was made for a manifest with interface token " + as_hex(entry.token) +
               ", but " + manifest_file.string() + " has " + as_hex(read.token) +
               ": take both files from the same version of the module.";
    }
    return {};
}

std::filesystem::path manifest_beside(std::filesystem::path object) {
    return object.replace_extension(".xml");
}

bool read_beside(const std::filesystem::path& object, manifest::module_manifest& read,
                 std::vector<mistake>& mistakes) {
    const std::filesystem::path file = manifest_beside(object);
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        mistakes.push_back(
            {{file.string(), 0, 0},
             "There is no such manifest: the module " + object.string() + " needs it beside itself.",
             false});
        return false;
    }
    const std::size_t before = mistakes.size();
    read = manifest::read_manifest(file, mistakes);
    for (std::size_t at = before; at < mistakes.size(); ++at) {
        if (!mistakes[at].warning) {
            return false;
        }
    }
    return true;
}

} // namespace

loader::loader(std::filesystem::path folder) : folder_(std::move(folder)) {}

std::filesystem::path loader::default_folder() {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    return (error ? std::filesystem::path(".") : self.parent_path()) / "modules";
}

const manifest::module_manifest* loader::read(std::string_view id, std::vector<mistake>& mistakes) {
    const std::lock_guard lock(mutex_);
    return read_one(id, mistakes);
}

const manifest::module_manifest* loader::read_one(std::string_view id, std::vector<mistake>& mistakes) {
    if (const auto known = manifests_.find(id); known != manifests_.end()) {
        return &known->second;
    }
    if (!is_kebab(id)) {
        mistakes.push_back(
            {{},
             "\"" + std::string(id) +
                 "\" is no name of a module: such names are of lower-case letters, digits and '-'.",
             false});
        return nullptr;
    }
    const std::filesystem::path object = folder_ / (std::string(id) + ".so");
    std::error_code error;
    if (!std::filesystem::exists(object, error) && !std::filesystem::exists(manifest_beside(object), error)) {
        mistakes.push_back({{object.string(), 0, 0},
                            "There is no module \"" + std::string(id) + "\" in " + folder_.string() +
                                ": check the name, or name the folder that holds it with --modules.",
                            false});
        return nullptr;
    }
    manifest::module_manifest read;
    if (!read_beside(object, read, mistakes)) {
        return nullptr;
    }
    if (read.id != id) {
        mistakes.push_back({{manifest_beside(object).string(), 0, 0},
                            "This manifest describes \"" + read.id + "\", but lies where \"" +
                                std::string(id) +
                                "\" is looked for: rename the files, or use the other name.",
                            false});
        return nullptr;
    }
    return &manifests_.emplace(id, std::move(read)).first->second;
}

const loaded_module* loader::load(std::string_view id, std::vector<mistake>& mistakes) {
    const std::lock_guard lock(mutex_);
    if (const auto known = modules_.find(id); known != modules_.end()) {
        return known->second.get();
    }
    if (read_one(id, mistakes) == nullptr) {
        return nullptr;
    }
    auto loaded = load_file(folder_ / (std::string(id) + ".so"), mistakes);
    if (loaded == nullptr) {
        return nullptr;
    }
    return modules_.emplace(id, std::move(loaded)).first->second.get();
}

std::unique_ptr<loaded_module> loader::load_file(const std::filesystem::path& object,
                                                 std::vector<mistake>& mistakes) {
    const auto refuse = [&](std::string sentence) {
        mistakes.push_back({{object.string(), 0, 0}, std::move(sentence), false});
        return nullptr;
    };
    auto loaded = std::make_unique<loaded_module>();
    loaded->object = object;
    loaded->manifest_file = manifest_beside(object);
    if (std::string sentence = judge_object(object); !sentence.empty()) {
        return refuse(std::move(sentence));
    }
    if (!read_beside(object, loaded->manifest, mistakes)) {
        return nullptr;
    }
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::absolute(object, error);
    // Never unloaded: a module's thread may still be in its code when its last instance is gone.
    void* const handle = dlopen(whole.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
        const char* const reason = dlerror();
        return refuse(std::string("The shared object cannot be loaded: ") +
                      (reason != nullptr ? reason : "no reason given") +
                      ". Install what it needs, or build it for this system.");
    }
    const void* const symbol = dlsym(handle, IOM_ENTRY_SYMBOL);
    if (symbol == nullptr) {
        return refuse("The shared object has no symbol " IOM_ENTRY_SYMBOL
                      ", so it is no IO module: export that one constant.");
    }
    loaded->entry = static_cast<const iom_entry*>(symbol);
    std::string sentence = judge_entry(*loaded->entry);
    if (sentence.empty()) {
        sentence = judge_agreement(*loaded->entry, loaded->manifest, loaded->manifest_file);
    }
    if (!sentence.empty()) {
        return refuse(std::move(sentence));
    }
    return loaded;
}

} // namespace iom::host
