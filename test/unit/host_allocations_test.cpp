// The road of a message through the rules asks for no memory, once it has seen messages of the kind.

#include "project.hpp"
#include "rules.hpp"
#include "unit/counted_allocations.hpp"
#include "unit/host_silent_world.hpp"
#include "unit/host_surroundings.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace iom::host {
namespace {

TEST(host_allocations, none_for_each_message) {
    const struct {
        const char* name;
        std::string rules;
        std::string message;
        std::size_t actions; ///< for each message
    } cases[] = {
        {"echo", R"(<rule name="r"><on trigger="press/message-received"/><do action="this/send-message">
            <arg name="message">${message}</arg></do></rule>)",
         std::string(4096, 'x'), 1},
        {"contains, conditions, long text",
         R"(<rule name="r"><on trigger="press/message-received"><match>ALARM</match></on>
            <when status="press/connection-status" is="ready"/><when variable="cue" less="5"/>
            <do action="press/send-message"><arg name="message">${instance}: ${message|json} ${seq} ${host/cue}, and more text</arg></do>
            <do action="host/set"><arg name="variable">last</arg><arg name="value">${message}</arg></do></rule>)",
         "an ALARM of some length that no small string holds", 1},
        {"regex",
         R"(<rule name="r"><on trigger="press/message-received"><match kind="regex">^ALARM (\d+) level (\d+)$</match></on>
            <when value="4" greater="2"/><do action="press/send-message"><arg name="message">ACK ${3}</arg></do></rule>)",
         "ALARM 17 level 3", 1},
        {"json",
         R"(<rule name="r"><on trigger="press/message-received"><match kind="json" pointer="/a/level" op=">">2</match></on>
            <do action="press/send-message"><arg name="message">${3}</arg></do></rule>)",
         R"({"a":{"text":"an \"escaped\" text","level":3}})", 1},
        {"on-change and at-most", R"(<rule name="r"><on trigger="press/message-received">
            <match kind="prefix" as="v" on-change="v" at-most="3">v=</match></on>
            <do action="press/send-message"><arg name="message">${v}</arg></do></rule>)",
         "v=1", 0},
        {"a rule that fires a rule", R"(<rule name="r"><on trigger="press/message-received"/>
            <do action="host/fire"><arg name="rule">s</arg></do></rule>
            <rule name="s"><do action="press/ping"/></rule>)",
         "x", 1},
        {"a thousand rules",
         [] {
             std::string many;
             for (int which = 0; which < 1000; ++which) {
                 const auto id = std::to_string(which);
                 many += "<rule name=\"" + id + "\"><on trigger=\"press/message-received\"><match>text " +
                         id + ";</match></on><do action=\"press/ping\"/></rule>";
             }
             return many;
         }(),
         "here are text 999; and text 17; in one", 2},
    };
    for (const auto& [name, rules, message, actions] : cases) {
        SCOPED_TRACE(name);
        fake_surroundings around;
        std::vector<manifest::mistake> mistakes;
        const auto loaded = parse_project(
            R"(<project name="T"><variable name="cue" type="int"/><variable name="last" type="text"/>
            <instance name="press" module="websocket-client"><set name="hostname">h</set></instance>)" +
                rules + "</project>",
            "t.xml", around, mistakes);
        ASSERT_NE(loaded, nullptr) << manifest::to_string(mistakes.front());
        variables values{loaded->variables};
        silent_world world;
        rule_engine engine{loaded->rules, values, world, world};
        const value_view given[] = {value_view::of(std::string_view{message}), value_view::of(false)};
        const event what{0, loaded->modules[0]->find_trigger("message-received")->number, given};
        for (int warm = 0; warm < 10; ++warm) {
            engine.fire(what, warm);
        }
        world.invoked = 0;
        const auto before = test::allocations();
        for (time_us at = 10; at < 1010; ++at) {
            engine.fire(what, at);
        }
        EXPECT_EQ(test::allocations() - before, 0u);
        EXPECT_EQ(world.invoked, actions * 1000);
    }
}

} // namespace
} // namespace iom::host
