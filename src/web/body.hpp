#pragma once

#include "project_edit.hpp"
#include "secrets_text.hpp"
#include "web/access.hpp"
#include "web/answers.hpp"
#include "web/assets.hpp"
#include "web/book.hpp"
#include "web/contract.hpp"
#include "web/desk.hpp"
#include "web/edit_queue.hpp"
#include "web/exchange.hpp"
#include "web/given.hpp"
#include "web/server.hpp"
#include "web/views.hpp"
#include "web/web.hpp"
#include "web/words.hpp"
#include "web/worker.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Private to src/web: what the operations of the contract share. Everything on the web thread, unless it
/// says [control].
namespace iom::host::web {

/// One request on its way through an operation.
struct asking {
    std::shared_ptr<request> what;
    const route* where = nullptr;
    std::map<std::string, std::string, std::less<>> values; ///< of {…} in the path
    visitor who;
    json body; ///< of a JSON request

    [[nodiscard]] const std::string& value(std::string_view name) const { return values.find(name)->second; }
    [[nodiscard]] std::string query(std::string_view name) const {
        const auto found = what->query.find(name);
        return found == what->query.end() ? std::string() : found->second;
    }
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;
};

class channel;
class connection_trial;

/// What one state topic looks like now, for all who have subscribed to it.
struct feed {
    std::string topic;
    std::string instance;
    std::shared_ptr<const json> now;
    bool stale = true; ///< something may have changed
    bool pending = false;
    std::int64_t due = 0; ///< not before
    std::set<channel*> listeners;
};

class web::body final : public front {
public:
    body(web_options options, runtime& controller, log& journal, redactor& known, book& lines);
    ~body() override;

    void start();
    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    [[nodiscard]] const std::string& code() const noexcept { return code_; }

    // front
    std::optional<answer> admit(request& what, std::size_t& limit) override;
    void serve(const std::shared_ptr<request>& what, reply to) override;
    std::optional<answer> admit_channel(request& what) override;
    std::unique_ptr<talker> open_channel(const request& what, std::function<void()> write) override;
    void failed(std::string_view why) noexcept override;

private:
    friend class channel;
    using operation = void (body::*)(const std::shared_ptr<asking>&, reply);
    static const std::map<std::string_view, operation>& operations();

    // the door
    std::optional<answer> at_the_door(const request& what);
    std::optional<answer> refuse(const request& what, const contract::found& route, const visitor& who);
    visitor visitor_of(const request& what, bool used);
    [[nodiscard]] bool still_may(const visitor& who, right needs);
    bool refresh_access();
    [[nodiscard]] bool is_open() const { return !access_.password && door_.loopback; }
    answer finish(answer made, const request& what) const;
    answer page_file(const request& what) const;
    json session_json(const visitor& who);
    [[nodiscard]] std::string cookie(std::string_view value, std::int64_t seconds) const;
    void prepare_access();
    /// False if the change could not be kept: then all is as before, and `to` is told.
    bool keep_access(const reply& to, const std::function<void(access_file&)>& change);
    /// What `what` throws is logged, and `to` is told.
    void guarded(const reply& to, const std::function<void()>& what);
    /// The same on the thread for what is slow; false if too much waits there.
    bool slowly(reply to, std::function<void()> what);
    /// The same on the thread for trials, which whoever may look can ask for: they hold up no log-in and no
    /// save. `to` gets the answer, unless that is `answer_later`. [any thread]
    void on_trial(const reply& to, std::function<answer()> what);
    static answer answer_later() { return {0, {}, {}, {}}; }
    /// And back on the web thread. [any thread]
    void back(reply to, std::function<void()> what);

    // asking [control]
    void on_control(reply to, std::function<answer(desk&)> work);
    /// `each` for every index below `count(desk)`, some at a time; then `end`, back on the web thread.
    void on_control_each(reply to, std::function<std::size_t(desk&)> count,
                         std::function<void(desk&, std::uint32_t)> each, std::function<answer()> end);
    /// False if `most` or more wait already.
    bool post_control(std::function<bool(desk&)> slice, std::function<void()> end,
                      std::size_t most = desk::most_jobs);

    /// The project that is in use, as its file says it. Another one after the next reload: what points into
    /// it needs a hold on it.
    std::shared_ptr<const words> say();
    [[nodiscard]] json module_json(const manifest::module_manifest& of);
    json complete_instance(json live);
    json complete_modules(const json& live);
    json complete_rules(const json& live);
    json complete_system(const json& live);

    // changing the project
    struct plan;
    static std::shared_ptr<plan> planned(const asking& from, const words& said);
    void in_turn(const reply& to, edit_queue::change change);
    void apologise(const reply& to, const std::exception_ptr& why);
    void judge_and_apply(std::shared_ptr<plan> what, reply to, std::function<void()> done);
    void judged(const std::shared_ptr<plan>& what, const std::vector<manifest::mistake>& mistakes,
                const reply& end);
    void apply(const std::shared_ptr<plan>& what, json warnings, const reply& end);
    bool finish_edit(const std::shared_ptr<plan>& what, const edit& made, const reply& to,
                     const std::function<void()>& done, const std::string& at);
    std::optional<answer> save_secrets(const std::vector<named_secret>& values, const std::string& gone);
    void change_secrets(const visitor& who, std::vector<named_secret> values, std::string gone,
                        const reply& to, const std::function<void()>& done);
    /// `text`: what is in the file, where that is known already.
    void reload_project(std::function<void(bool)> then, std::shared_ptr<const std::string> text = nullptr);
    struct reloading;
    void begin_reload(const std::shared_ptr<reloading>& one);
    void finish_reload(const std::shared_ptr<reloading>& one); ///< [any thread]
    static void drop_empty_secrets(const manifest::module_manifest* module, values_draft& settings);
    std::optional<answer> revision_trouble(const asking& from, const std::string& now,
                                           std::string_view sentence);
    bool has_moved_on(const asking& from, const words& said, named kind, const char* kept, const reply& to,
                      const std::function<void()>& done);
    void tell_changed(const char* what, const std::string& name, answer refused, const reply& to);
    static std::string asks_anew(const std::vector<std::string>& settings, bool environment = false);
    bool ask_for_led(const visitor& who, std::string_view before, std::string_view after, const words& said,
                     std::vector<std::string>& asked);
    void ask_for_row(const visitor& who, const instance_draft& pattern, const values_draft& given,
                     const manifest::module_manifest& module, std::vector<std::string>& asked);
    std::optional<answer> led_by_value(const visitor& who, const std::string& name);
    [[nodiscard]] std::vector<std::string> stored_secrets() const;
    std::optional<answer> kept_trouble(const asking& from, bool is_there, const std::string& now,
                                       const std::string& what);
    json users_of_secret(const std::string& name);
    json users_of_file(const std::string& name);
    [[nodiscard]] std::filesystem::path files_folder() const;

    // the channel
    void pump();
    void pump_within(std::int64_t microseconds);
    feed* subscribe(channel& who, const std::string& topic, const std::string& instance);
    void unsubscribe(channel& who, feed* from);
    void compute(feed& which);
    void computed(const std::string& key, json state);
    void wait_for_test(const std::shared_ptr<request>& asked, std::uint64_t number, std::int64_t after,
                       std::int64_t until, reply to);
    void wait_for_call(const std::shared_ptr<request>& asked, std::uint64_t number, std::int64_t until,
                       reply to, int running_status);

    // operations, by their operationId
#define IOM_OPERATION(name) void name(const std::shared_ptr<asking>& from, reply to);
    IOM_OPERATION(get_session)
    IOM_OPERATION(log_in)
    IOM_OPERATION(log_out)
    IOM_OPERATION(set_first_password)
    IOM_OPERATION(set_password)
    IOM_OPERATION(list_tokens)
    IOM_OPERATION(create_token)
    IOM_OPERATION(revoke_token)
    IOM_OPERATION(list_modules)
    IOM_OPERATION(list_instances)
    IOM_OPERATION(get_instance)
    IOM_OPERATION(call_action)
    IOM_OPERATION(get_call)
    IOM_OPERATION(get_history)
    IOM_OPERATION(list_frames)
    IOM_OPERATION(list_rules)
    IOM_OPERATION(get_rule)
    IOM_OPERATION(fire_rule)
    IOM_OPERATION(list_trace)
    IOM_OPERATION(list_log)
    IOM_OPERATION(download_log)
    IOM_OPERATION(get_system)
    IOM_OPERATION(get_certificate)
    IOM_OPERATION(save_certificate)
    IOM_OPERATION(generate_certificate)
    IOM_OPERATION(get_contract)
    IOM_OPERATION(get_metrics)
    IOM_OPERATION(open_channel_plainly)
    IOM_OPERATION(test_connection)
    IOM_OPERATION(get_test)
    IOM_OPERATION(try_draft)
    IOM_OPERATION(replay_event)
    IOM_OPERATION(add_instance)
    IOM_OPERATION(save_instance)
    IOM_OPERATION(remove_instance)
    IOM_OPERATION(rename_instance)
    IOM_OPERATION(duplicate_instance)
    IOM_OPERATION(instance_as_text)
    IOM_OPERATION(add_table)
    IOM_OPERATION(add_rule)
    IOM_OPERATION(save_rule)
    IOM_OPERATION(remove_rule)
    IOM_OPERATION(duplicate_rule)
    IOM_OPERATION(enable_rule)
    IOM_OPERATION(order_rules)
    IOM_OPERATION(save_variable)
    IOM_OPERATION(remove_variable)
    IOM_OPERATION(download_project)
    IOM_OPERATION(upload_project)
    IOM_OPERATION(reload_from_disk)
    IOM_OPERATION(support_bundle)
    IOM_OPERATION(list_secrets)
    IOM_OPERATION(save_secret)
    IOM_OPERATION(remove_secret)
    IOM_OPERATION(list_files)
    IOM_OPERATION(save_file_of_project)
    IOM_OPERATION(remove_file)
#undef IOM_OPERATION

    json system_json(const json& control) const;
    json certificate_json() const;
    [[nodiscard]] std::vector<std::string> certificate_names() const;

    const web_options options_;
    runtime& controller_;
    log& journal_;
    redactor& known_;
    book& lines_;
    const std::string openapi_;
    const contract contract_;
    const std::string page_;
    const std::string boot_;
    const std::int64_t started_;
    std::string project_file_;

    access_file access_;
    attempts attempts_;
    sessions sessions_;
    front_door door_;
    bool https_ = false;
    std::string code_;
    std::string url_;

    std::map<std::string, std::unique_ptr<feed>> feeds_;
    std::set<channel*> channels_;
    std::optional<std::int64_t> pump_at_;
    std::int64_t pumped_ = 0;
    std::int64_t access_looked_ = 0;
    struct waiter {
        std::shared_ptr<request> asked;
        std::uint64_t call = 0;
        std::int64_t until = 0;
        int running_status = 200;
        reply to;
    };
    std::list<waiter> waiters_;
    std::size_t test_waiters_ = 0;
    std::uint64_t states_ = 0; ///< computed for open pages
    /// Of each kind; who comes then is answered at once with what is known.
    static constexpr std::size_t most_waiters = 32;
    std::map<std::string, std::pair<json, json>> variables_seen_; ///< value and time, by name
    std::shared_ptr<const words> words_;
    desk::edition edition_; ///< that words_ was made of
    json tokens_;           ///< of manifests, by module
    std::uint32_t tokens_generation_ = 0;

    edit_queue edits_;

    given_secrets given_;

    // The file as it lies there now.
    std::string on_disk_ = "same";
    json disk_mistakes_ = json::array();
    std::pair<std::filesystem::file_time_type, std::uintmax_t> disk_look_;
    std::uint32_t disk_generation_ = 0;

    std::unique_ptr<desk> desk_;
    std::deque<std::unique_ptr<connection_trial>> trials_; ///< [control]
    std::uint64_t last_trial_ = 0;
    std::unique_ptr<server> server_;
    std::unique_ptr<worker> worker_; ///< for what is slow; ends first
    std::unique_ptr<worker> trier_;  ///< for trials, likewise
};

[[nodiscard]] std::int64_t steady_ms();

/// What a filter of the contract lets through.
[[nodiscard]] book::passes log_filter(const json& filter);
[[nodiscard]] book::passes frame_filter(const json& filter);
[[nodiscard]] bool passes_trace(const json& event, const json& filter);

} // namespace iom::host::web
