#include "web/contract.hpp"

#include "web/assets.hpp"

#include <gtest/gtest.h>
#include <set>
#include <stdexcept>
#include <string>

namespace {

using namespace iom::host::web;

const contract& ours() {
    static const contract made(openapi());
    return made;
}

std::string found(const char* method, const char* path) {
    const contract::found here = ours().find(method, path);
    std::string said = here.what == nullptr ? (here.other_method ? "405" : "404") : here.what->operation;
    for (const auto& [name, value] : here.values) {
        said += ' ' + name + '=' + value;
    }
    return said;
}

TEST(Contract, FindsWhatAPathMeans) {
    EXPECT_EQ(found("GET", "/api/instances"), "listInstances");
    EXPECT_EQ(found("GET", "/api/instances/press"), "getInstance name=press");
    EXPECT_EQ(found("POST", "/api/instances/table"), "addTable");
    EXPECT_EQ(found("POST", "/api/instances/press/actions/send-message"),
              "callAction action=send-message name=press");
    EXPECT_EQ(found("PUT", "/api/rules/Start/Stop"), "saveRule name=Start/Stop");
    EXPECT_EQ(found("PUT", "/api/rules/Start/Stop/enabled"), "enableRule name=Start/Stop");
    EXPECT_EQ(found("PATCH", "/api/instances"), "405");
    EXPECT_EQ(found("GET", "/api/nothing"), "404");
    EXPECT_EQ(found("GET", "/api/instances/"), "404");
    EXPECT_EQ(found("GET", "/api"), "404");
}

TEST(Contract, OpensNothingButWhatANewcomerNeeds) {
    std::set<std::string> open;
    for (const route& each : ours().routes()) {
        if (each.open) {
            open.insert(each.operation);
        } else {
            EXPECT_NE(each.needs, right::none) << each.operation;
        }
        EXPECT_EQ(each.body_type.empty(), each.body_limit == 0) << each.operation;
        EXPECT_LE(each.body_limit, std::size_t{4} << 20U) << each.operation;
    }
    EXPECT_EQ(open,
              (std::set<std::string>{"getPage", "getPageByName", "getSession", "logIn", "setFirstPassword"}));
}

TEST(Contract, ThatIsNoneSaysSo) {
    for (const char* const text : {"", "{}", "[]", "x"}) {
        EXPECT_THROW(contract{text}, std::runtime_error) << text;
    }
}

} // namespace
