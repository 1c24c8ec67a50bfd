#pragma once

#include "module/settings.hpp"
#include "module/verdict.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <variant>

struct lws_context;
struct lws_vhost;
struct lws_protocols;

/// The vhosts of the link: libwebsockets keeps in them what many connections may share, TLS settings above
/// all.
namespace iom::ws {

class link_vhosts {
public:
    /// One vhost in use. It stays as long as somebody holds it.
    class hold {
    public:
        hold() = default;
        hold(hold&& other) noexcept;
        hold& operator=(hold&& other) noexcept;
        ~hold();

        [[nodiscard]] lws_vhost* get() const;
        void drop();

    private:
        friend class link_vhosts;
        struct entry;
        explicit hold(entry* at);
        entry* at_ = nullptr;
    };

    link_vhosts();
    ~link_vhosts();
    link_vhosts(const link_vhosts&) = delete;
    link_vhosts& operator=(const link_vhosts&) = delete;

    void begin(lws_context* context, const lws_protocols* protocols);

    /// The vhost for a connection with these settings, secure or not, made where there is none yet; files
    /// that have changed make another. A failure names the setting.
    std::variant<hold, failure> for_settings(const settings& how, bool secure);

    /// Gives up vhosts that nobody holds. Not to be called inside a callback of a connection.
    void sweep();

    /// Gives up those of them whose files have changed since. As sweep otherwise, and nearly free when there
    /// are none.
    void sweep_outdated();

private:
    lws_context* context_ = nullptr;
    const lws_protocols* protocols_ = nullptr;
    std::list<hold::entry> entries_;
    unsigned made_ = 0;
    bool outdated_ = false; // one or more of the entries are
};

} // namespace iom::ws
