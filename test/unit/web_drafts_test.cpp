#include "web/drafts.hpp"

#include <gtest/gtest.h>
#include <string>

namespace {

using namespace iom;
using namespace iom::host;
using namespace iom::host::web;

TEST(Drafts, OfARuleGoThereAndBack) {
    rule_draft rule;
    rule.name = "Start/Stop";
    rule.enabled = false;
    rule.stop = true;
    match_draft match;
    match.kind = "json";
    match.pointer = "/level";
    match.op = "less";
    match.text = "3";
    match.as = "level";
    match.on_change = "level";
    match.debounce = "1s";
    match.at_most = 4;
    rule.on = {{"press/message-received", {}, {match}}, {"host/every", "2s", {}}};
    when_draft when;
    when.status = "press/is-ready";
    when.is = "true";
    rule.when = {when};
    when = {};
    when.value = "${message}";
    when.is_not = "";
    rule.when.push_back(when);
    rule.act = {{"press/send-message", "500ms", {{"message", std::string("hello")}}}};
    const auto nobody = [](std::string_view) -> const manifest::module_manifest* { return nullptr; };
    EXPECT_EQ(rule_from(to_json(rule, nobody)), rule);
    const rule_draft least = rule_from(json::parse(R"({"name":"x","on":[],"do":[]})"));
    EXPECT_TRUE(least.enabled);
    EXPECT_FALSE(least.stop);
}

TEST(Drafts, OfAnInstanceHoldEveryShapeOfValue) {
    const json given = json::parse(R"({"name":"press","module":"websocket-client","settings":{
        "hostname":"h","headers":["A: b","C: d"],"bearer-token":{"set":true},
        "ready-match":[{"kind":"contains","text":"ok"}],
        "greeting":[{"send":"hi","encoding":"base64"},{"await":[{"kind":"regex","text":"^ok"}]}]}})");
    const instance_draft read = instance_from(given);
    EXPECT_EQ(read.name, "press");
    ASSERT_EQ(read.settings.size(), 5U);
    EXPECT_EQ(*find_value(read.settings, "hostname"), value_draft(std::string("h")));
    EXPECT_EQ(*find_value(read.settings, "headers"), value_draft(std::vector<std::string>{"A: b", "C: d"}));
    EXPECT_EQ(*find_value(read.settings, "bearer-token"), value_draft(kept_value{}));
    const auto& steps = std::get<std::vector<step_draft>>(*find_value(read.settings, "greeting"));
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].encoding, "base64");
    EXPECT_TRUE(steps[1].waits);
    EXPECT_EQ(steps[1].await.at(0).kind, "regex");
}

TEST(Drafts, OfAnotherFormAreRefused) {
    for (const char* const text :
         {R"([])", R"({})", R"({"name":1,"module":"m","settings":{}})",
          R"({"name":"a","module":"m","settings":["x"]})", R"({"name":"a","module":"m","settings":{"x":1}})",
          R"({"name":"a","module":"m","settings":{"x":{"set":false}}})",
          R"({"name":"a","module":"m","settings":{"x":[1]}})",
          R"({"name":"a","module":"m","settings":{"x":[{"kind":[]}]}})"}) {
        EXPECT_THROW((void)instance_from(json::parse(text)), json::exception) << text;
    }
    for (const char* const text : {R"({"name":"x","on":"y","do":[]})", R"({"name":"x","on":[{}],"do":[]})",
                                   R"({"name":"x","on":[],"do":[{"action":1}]})"}) {
        EXPECT_THROW((void)rule_from(json::parse(text)), json::exception) << text;
    }
}

TEST(Drafts, KnowAReferenceFromAText) {
    for (const char* const text : {"${secret:key}", "${env:IOM_KEY}"}) {
        EXPECT_TRUE(is_reference(text)) << text;
    }
    for (const char* const text : {"", "key", "x${secret:key}", "${secret:key} ", "${secret:}", "${env:PATH}",
                                   "${secret:a b}", "${secret:a}${secret:b}"}) {
        EXPECT_FALSE(is_reference(text)) << text;
    }
}

} // namespace
