// What is kept beside the project: secrets and files.

#include "web/body.hpp"

#include "checks.hpp"
#include "save.hpp"
#include "secrets.hpp"
#include "web/crypto.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

namespace iom::host::web {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_secrets_bytes = std::size_t{1} << 20U;

/// Changes whenever the file is written, and says nothing of what is in it; empty if there is none.
std::string revision_of_file(const fs::path& file) {
    struct stat of {};
    if (::stat(file.c_str(), &of) != 0) {
        return {};
    }
    const auto stamp = [](const timespec& when) {
        return std::to_string(when.tv_sec) + '.' + std::to_string(when.tv_nsec);
    };
    return to_hex(sha256(std::to_string(of.st_ino) + ' ' + std::to_string(of.st_size) + ' ' +
                         stamp(of.st_mtim) + ' ' + stamp(of.st_ctim)))
        .substr(0, 16);
}

bool is_file_name(std::string_view name) {
    return !name.empty() && name.size() <= 128 && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](unsigned char each) {
               return std::isalnum(each) != 0 || each == '.' || each == '-' || each == '_';
           });
}

answer bad_file_name(const std::string& name) {
    return mistake_at("/name", in_quotes(name) + " cannot be the name of a file here. Use letters, digits, "
                                                 ". - and _, not beginning with a dot.");
}

bool is_among(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

answer still_used(const std::string& what, const json& users) {
    return problem(409, "conflict",
                   "The " + what + " is used by " + listed(users.get<std::vector<std::string>>()) +
                       ". Change them first.");
}

} // namespace

/// What is kept beside the project may be new; what is there already is only changed by who has seen it so.
std::optional<answer> web::body::kept_trouble(const asking& from, bool is_there, const std::string& now,
                                              const std::string& what) {
    if (!is_there && from.what->if_match.empty()) {
        return std::nullopt;
    }
    return revision_trouble(from, is_there ? now : std::string(),
                            "Somebody else has " + std::string(is_there ? "changed" : "removed") + " the " +
                                what + " since you looked. Nothing of yours was done; look again.");
}

/// The names of the secrets beside the project.
std::vector<std::string> web::body::stored_secrets() const {
    std::string why;
    const std::optional<std::string> text =
        load_file(secrets::file_of(controller_.made_with().project), most_secrets_bytes, why);
    return secret_names(text.value_or(std::string()));
}

/// On the worker: nothing, or what went wrong.
std::optional<answer> web::body::save_secrets(const std::vector<named_secret>& values,
                                              const std::string& gone) {
    const fs::path file = secrets::file_of(controller_.made_with().project);
    std::string why;
    const std::optional<std::string> before = load_file(file, most_secrets_bytes, why);
    if (!why.empty()) {
        return problem(500, "failed", why);
    }
    std::optional<std::string> after = with_secrets(before.value_or(std::string()), values, why);
    if (!after) {
        return mistake_at("/value", why);
    }
    if (!gone.empty()) {
        after = without_secret(*after, gone);
    }
    const save_outcome saved =
        save_file(file, before ? std::optional<std::string_view>(*before) : std::nullopt, *after,
                  file_access::owner_only);
    if (saved.saved()) {
        return std::nullopt;
    }
    const bool changed = saved.what == save_outcome::kind::changed;
    return problem(changed ? 409 : 500, changed ? "conflict" : "failed", saved.sentence);
}

void web::body::list_secrets(const std::shared_ptr<asking>& /*from*/, reply to) {
    json all = json::array();
    const std::string revision = revision_of_file(secrets::file_of(controller_.made_with().project));
    for (const std::string& name : stored_secrets()) {
        all.push_back({{"name", name}, {"revision", revision}, {"usedBy", users_of_secret(name)}});
    }
    to(json_answer(200, all));
}

json web::body::users_of_secret(const std::string& name) {
    json users = json::array();
    for (const std::string& each : instances_with(say()->mentions(), named::secret, name)) {
        users.push_back(each);
    }
    for (const std::string& each : rules_with(say()->mentions(), named::secret, name)) {
        users.push_back('"' + each + '"');
    }
    return users;
}

void web::body::save_secret(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    const std::string value = from->body.at("value").get<std::string>();
    if (!is_name(name) || value.empty()) {
        const std::string sentence =
            value.empty() ? "A secret has a value. To take it away, remove it."
                          : in_quotes(name) + " cannot be a name. Use letters, digits, - and _.";
        to(mistake_at(value.empty() ? "/value" : "/name", sentence));
        return;
    }
    in_turn(to, [this, from, name, value, to](const std::function<void()>& done) {
        if (auto refused = kept_trouble(*from, is_among(stored_secrets(), name),
                                        revision_of_file(secrets::file_of(controller_.made_with().project)),
                                        "secrets")) {
            to(std::move(*refused));
            done();
            return;
        }
        if (auto refused = led_by_value(from->who, name)) {
            to(std::move(*refused));
            done();
            return;
        }
        change_secrets(from->who, {{name, value}}, {}, to, done);
    });
}

void web::body::remove_secret(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    in_turn(to, [this, from, name, to](const std::function<void()>& done) {
        std::optional<answer> refused;
        if (!is_among(stored_secrets(), name)) {
            refused = no_such("secret \"" + name + '"');
        } else if (const json users = users_of_secret(name); !users.empty()) {
            refused = still_used("secret " + name, users);
        } else {
            refused = kept_trouble(
                *from, true, revision_of_file(secrets::file_of(controller_.made_with().project)), "secrets");
        }
        if (refused) {
            to(std::move(*refused));
            done();
            return;
        }
        change_secrets(from->who, {}, name, to, done);
    });
}

/// Refused where it would lead other secrets elsewhere, because it stands in what says where a line leads.
std::optional<answer> web::body::led_by_value(const visitor& who, const std::string& name) {
    const std::shared_ptr<const words> said = say();
    std::vector<std::string> asked;
    std::vector<std::string> others;
    const auto add = [](std::vector<std::string>& to, const std::string& what) {
        if (std::find(to.begin(), to.end(), what) == to.end()) {
            to.push_back(what);
        }
    };
    for (const led_elsewhere& each :
         secrets_led_by_value(said->without_secrets(), name, said->modules(), given_.of(who, steady_ms()))) {
        add(asked, each.by);
        add(others, each.environment ? "${env:" + each.name + '}' : each.name);
    }
    if (asked.empty()) {
        return std::nullopt;
    }
    return problem(422, "mistakes",
                   "The secret " + name +
                       " says where a line leads, so what else is sent there is asked for first: give " +
                       listed(others) + " anew, or change " + name +
                       " in the secrets file itself and reload the project.",
                   {{"needsSecrets", asked}});
}

void web::body::change_secrets(const visitor& who, std::vector<named_secret> values, std::string gone,
                               const reply& to, const std::function<void()>& done) {
    const bool taken =
        worker_->ask([this, who, values = std::move(values), gone = std::move(gone), to, done] {
            const std::optional<answer> refused = save_secrets(values, gone);
            server_->post([this, who, refused, values, to, done] {
                if (refused) {
                    to(*refused);
                    done();
                    return;
                }
                for (const auto& [name, value] : values) {
                    given_.add(who, name, steady_ms());
                }
                reload_project(
                    [to, done](bool /*good*/) { // who uses it gets it; what does not load goes on as before
                        to(nothing_to_say());
                        done();
                    });
            });
        });
    if (!taken) {
        to(others_are_saving());
        done();
    }
}

fs::path web::body::files_folder() const {
    return fs::absolute(controller_.made_with().project).parent_path() / "files";
}

json web::body::users_of_file(const std::string& name) {
    const std::shared_ptr<const words> said = say();
    const auto uses = [&](const std::string& of, const values_draft& settings) {
        const manifest::module_manifest* const module = said->module(of);
        return std::any_of(settings.begin(), settings.end(), [&](const auto& each) {
            const manifest::setting* const what =
                module == nullptr ? nullptr : module->find_setting(each.first);
            const auto* const text = std::get_if<std::string>(&each.second);
            return what != nullptr && what->type == manifest::type::file && text != nullptr && *text == name;
        });
    };
    json users = json::array();
    for (const instance_draft& each : said->instances()) {
        if (uses(each.module, each.settings)) {
            users.push_back(each.name);
        }
    }
    for (const manifest::element& each : said->root().children) {
        const std::string* const module = each.attribute("module");
        if (each.name == "defaults" && module != nullptr && uses(*module, said->defaults_of(*module))) {
            users.push_back("the defaults of " + *module);
        }
    }
    return users;
}

void web::body::list_files(const std::shared_ptr<asking>& /*from*/, reply to) {
    json all = json::array();
    std::error_code error;
    std::set<fs::path> found;
    for (fs::directory_iterator each(files_folder(), error), end;
         !error && each != end && found.size() < 1000; each.increment(error)) {
        if (each->is_regular_file(error) && is_file_name(each->path().filename().string())) {
            found.insert(each->path());
        }
    }
    for (const fs::path& each : found) {
        const auto changed = fs::last_write_time(each, error);
        const auto wall = std::chrono::file_clock::to_sys(changed).time_since_epoch();
        all.push_back({{"name", each.filename().string()},
                       {"revision", revision_of_file(each)},
                       {"size", fs::file_size(each, error)},
                       {"changed", std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()},
                       {"usedBy", users_of_file(each.filename().string())}});
    }
    to(json_answer(200, all));
}

void web::body::save_file_of_project(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    std::error_code error;
    const fs::path file = files_folder() / name;
    if (!is_file_name(name) || fs::is_symlink(file, error)) {
        to(bad_file_name(name));
        return;
    }
    in_turn(to, [this, file, from, to](const std::function<void()>& done) {
        const std::string now = revision_of_file(file);
        if (auto refused = kept_trouble(*from, !now.empty(), now, "file " + file.filename().string())) {
            to(std::move(*refused));
            done();
            return;
        }
        const bool taken = worker_->ask([this, file, from, to, done] {
            std::error_code trouble;
            fs::create_directories(file.parent_path(), trouble);
            std::string why;
            constexpr std::size_t most = std::size_t{16} << 20U;
            const std::optional<std::string> before = load_file(file, most, why);
            const save_outcome saved =
                save_file(file, before ? std::optional<std::string_view>(*before) : std::nullopt,
                          from->what->body, file_access::owner_only);
            server_->post([this, saved, to, done] {
                if (!saved.saved()) {
                    to(problem(500, "failed", saved.sentence));
                    done();
                    return;
                }
                reload_project([to, done](bool /*good*/) {
                    to(nothing_to_say());
                    done();
                });
            });
        });
        if (!taken) {
            to(others_are_saving());
            done();
        }
    });
}

void web::body::remove_file(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::string name = from->value("name");
        const fs::path file = files_folder() / name;
        std::error_code error;
        std::optional<answer> refused;
        if (!is_file_name(name) || !fs::is_regular_file(fs::symlink_status(file, error))) {
            refused = no_such("file \"" + name + '"');
        } else if (const json users = users_of_file(name); !users.empty()) {
            refused = still_used("file " + name, users);
        } else {
            refused = kept_trouble(*from, true, revision_of_file(file), "file " + name);
        }
        if (!refused && !fs::remove(file, error)) {
            refused =
                problem(500, "failed", "The file " + name + " cannot be removed: " + error.message() + ".");
        }
        to(refused ? std::move(*refused) : nothing_to_say());
        done();
    });
}

} // namespace iom::host::web
