#include "project_secrets.hpp"

#include "secret_uses.hpp"

#include "project_edit.hpp"
#include "redact.hpp"
#include "secrets.hpp"
#include "secrets_text.hpp"
#include "unit/host_support.hpp"
#include "unit/host_surroundings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

const manifest_lookup modules = [](std::string_view id) {
    return id == "websocket-client" ? fake_surroundings::websocket_client().get() : nullptr;
};

// ---- PROJECT.secrets -------------------------------------------------------------------------------------

constexpr std::string_view file = "# who may open the door\n\n pin = 1234 \r\nother=\"a b\"\n# end";

TEST(host_secrets_text, changes_one_value_and_nothing_else) {
    std::string why;
    EXPECT_THAT(secret_names(file), ElementsAre("pin", "other"));
    const std::vector<named_secret> pin{{"pin", "9"}};
    EXPECT_EQ(with_secrets(file, pin, why), "# who may open the door\n\n pin = 9 \r\nother=\"a b\"\n# end");
    const std::vector<named_secret> more{{"new", "x=y"}, {"pin", "1"}, {"pin", "2"}};
    EXPECT_EQ(with_secrets(file, more, why),
              "# who may open the door\n\n pin = 2 \r\nother=\"a b\"\n# end\nnew=x=y\n");
    EXPECT_EQ(without_secret(file, "pin"), "# who may open the door\n\nother=\"a b\"\n# end");
    EXPECT_EQ(without_secret(file, "none"), file);
}

TEST(host_secrets_text, is_read_back_as_it_was_meant) {
    const test::folder place;
    for (const auto* value : {"plain", " blanks ", "\"quoted\"", "\"", "\"\"", "a\"b", "#no comment", "a=b",
                              "ü\t", "\r", "${secret:pin}"}) {
        SCOPED_TRACE(value);
        std::string why;
        const std::vector<named_secret> one{{"it", value}};
        const auto text = with_secrets("pin=1\n", one, why);
        ASSERT_TRUE(text) << why;
        const auto path = place.write("p.secrets", *text);
        fs::permissions(path, fs::perms{0600});
        redactor known;
        secrets read{path, known};
        EXPECT_EQ(read.find("it", why), value) << why;
        EXPECT_EQ(read.find("pin", why), "1");
        fs::remove(path);
    }
}

TEST(host_secrets_text, refuses_without_telling_the_value) {
    std::string why;
    const std::vector<named_secret> broken{{"it", "geheim\nnis"}};
    EXPECT_EQ(with_secrets("", broken, why), std::nullopt);
    EXPECT_THAT(why, HasSubstr("line break"));
    EXPECT_THAT(why, Not(HasSubstr("geheim")));
    const std::vector<named_secret> name{{"a b", "geheim"}};
    EXPECT_EQ(with_secrets("", name, why), std::nullopt);
    EXPECT_THAT(why, Not(HasSubstr("geheim")));
    const std::vector<named_secret> large{{"it", std::string(2'000'000, 'x')}};
    EXPECT_EQ(with_secrets("", large, why), std::nullopt);
}

// ---- out of the project ----------------------------------------------------------------------------------

constexpr std::string_view project_with_secrets = R"(<project name="P">
  <defaults module="websocket-client"><set name="password">shared &amp; plain</set></defaults>
  <instance name="a" module="websocket-client">
    <set name="hostname">h</set>
    <set name="protocol">wss</set>
    <set name="bearer-token"><!-- from the portal -->abc<![CDATA[<def>]]></set>
  </instance>
  <instance name="b" module="websocket-client">
    <set name="hostname">h</set>
    <set name="protocol">wss</set>
    <set name="bearer-token">one-${secret:pin}-$${two</set>
    <set name="username">${secret:a-bearer-token}</set>
  </instance>
  <rule name="Log in: now!">
    <on trigger="a/credentials-rejected"/>
    <do action="host/log"><arg name="message">again</arg></do>
    <do action="a/connect"><arg name="bearer-token">plain</arg></do>
    <do action="this/connect"><arg name="bearer-token">${sentence}</arg></do>
  </rule>
</project>
)";

TEST(host_project_secrets, leave_the_file_and_references_stay) {
    const auto made = move_secrets(project_with_secrets, modules);
    EXPECT_THAT(made.values,
                ElementsAre(Pair("websocket-client-password", "shared & plain"),
                            Pair("a-bearer-token-2", "abc<def>"), Pair("b-bearer-token", "one-"),
                            Pair("b-bearer-token-2", "-${two"), Pair("Log-in-now-2-bearer-token", "plain")));
    for (const auto* value : {"shared", "abc", "<def>", "one-", "two", ">plain<"})
        EXPECT_THAT(made.text, Not(HasSubstr(value)));
    EXPECT_THAT(made.text, HasSubstr("<!-- from the portal -->${secret:a-bearer-token-2}<![CDATA[]]></set>"));
    EXPECT_THAT(made.text, HasSubstr(">${secret:b-bearer-token}${secret:pin}${secret:b-bearer-token-2}<"));
    EXPECT_THAT(made.text, HasSubstr("${sentence}"));
    EXPECT_EQ(move_secrets(made.text, modules).text, made.text);

    // With the secrets saved, every instance gets what it got before.
    fake_surroundings before;
    before.secrets["a-bearer-token"] = "user";
    fake_surroundings after;
    after.secrets["a-bearer-token"] = "user";
    const surroundings_with_secrets unused{after, made.values};
    surroundings_with_secrets with{after, made.values};
    std::vector<manifest::mistake> mistakes;
    const auto left = parse_project(project_with_secrets, "p.xml", before, mistakes);
    const auto right = parse_project(made.text, "p.xml", with, mistakes);
    ASSERT_TRUE(left && right) << (mistakes.empty() ? "" : manifest::to_string(mistakes.front()));
    const auto expanded = [&](const project& from, surroundings& around, std::uint32_t which) {
        std::string all;
        for (const auto& one : settings_of(from, which, around, mistakes)) {
            auto text = one.what.view().kind == value_kind::text ? std::string{one.what.view().text} : "";
            // Those that the module expands itself.
            for (const auto& [name, value] : made.values)
                for (std::size_t at = 0; (at = text.find("${secret:" + name + "}")) != text.npos;)
                    text.replace(at, name.size() + 10, value == "-${two" ? "-$${two" : value);
            all += std::to_string(one.number) + "=" + text + ";";
        }
        return all;
    };
    for (std::uint32_t which = 0; which < 2; ++which)
        EXPECT_EQ(expanded(*left, before, which), expanded(*right, with, which));
}

TEST(host_project_secrets, an_upload_keeps_values_that_were_shown_as_references) {
    const auto shown = move_secrets(project_with_secrets, modules);
    const auto made = accept_upload(shown.text, project_with_secrets, modules, {"pin", "a-bearer-token"});
    EXPECT_EQ(made.text, shown.text);
    EXPECT_THAT(made.values, testing::UnorderedElementsAreArray(shown.values));
    // What the secrets file has for others stays, and what is shown takes another name.
    const std::set<std::string, std::less<>> stored{"pin", "a-bearer-token", "b-bearer-token",
                                                    "websocket-client-password"};
    const auto others = unmentioned(project_with_secrets, {stored.begin(), stored.end()});
    EXPECT_THAT(others, UnorderedElementsAre("b-bearer-token", "websocket-client-password"));
    const auto beside = move_secrets(project_with_secrets, modules,
                                     [&](std::string_view name) { return others.contains(name); });
    EXPECT_THAT(beside.values,
                ElementsAre(Pair("websocket-client-password-2", "shared & plain"),
                            Pair("a-bearer-token-2", "abc<def>"), Pair("b-bearer-token-2", "one-"),
                            Pair("b-bearer-token-3", "-${two"), Pair("Log-in-now-2-bearer-token", "plain")));
    EXPECT_THAT(accept_upload(beside.text, project_with_secrets, modules, stored).values,
                testing::UnorderedElementsAreArray(beside.values));
    EXPECT_THAT(
        accept_upload(project_with_secrets, "<project name=\"P\"/>", modules, stored).values,
        testing::UnorderedElementsAreArray(move_secrets(project_with_secrets, modules, [&](auto name) {
                                               return stored.contains(name);
                                           }).values));
    EXPECT_THAT(accept_upload("<project", project_with_secrets, modules, {}).values, IsEmpty());
}

TEST(host_project_secrets, a_new_value_takes_its_own_name_unless_others_use_it) {
    const std::string xml =
        R"(<project name="P"><instance name="a" module="websocket-client"><set name="hostname">h</set>
<set name="password">${secret:a-password}</set></instance></project>)";
    values_draft settings{{"hostname", std::string{"h"}}, {"password", std::string{"new"}}};
    const auto alone = move_secrets(save_settings(xml, "a", settings, modules).text, modules);
    EXPECT_THAT(alone.values, ElementsAre(Pair("a-password", "new")));
    EXPECT_EQ(alone.text, xml);
    const auto copied = duplicate_instance(xml, "a", "b");
    const auto shared = move_secrets(save_settings(copied.text, "a", settings, modules).text, modules);
    EXPECT_THAT(shared.values, ElementsAre(Pair("a-password-2", "new")));
}

// ---- asking again ----------------------------------------------------------------------------------------

TEST(host_project_secrets, are_asked_for_where_they_would_go_elsewhere) {
    const auto& module = *fake_surroundings::websocket_client();
    const values_draft present{{"hostname", std::string{"h"}},
                               {"bearer-token", std::string{"${secret:a}"}},
                               {"path", std::string{"/x"}}};
    const auto with = [&](std::string_view id, value_draft value) {
        auto wanted = present;
        wanted[1].second = kept_value{};
        for (auto& one : wanted)
            if (one.first == id) {
                one.second = value;
                return wanted;
            }
        wanted.emplace_back(id, value);
        return wanted;
    };
    const auto asked = [&](const values_draft& wanted, const values_draft& defaults = {}) {
        return secrets_to_ask(present, wanted, defaults, module);
    };
    EXPECT_THAT(asked(with("path", std::string{"/y"})), IsEmpty());
    EXPECT_THAT(asked(with("port", std::string{"0"})), IsEmpty()); // as by default
    for (const auto* id : {"hostname", "port", "protocol", "proxy", "tls-verify"})
        EXPECT_THAT(asked(with(id, std::string{"7"})), ElementsAre("bearer-token")) << id;
    auto wanted = with("hostname", std::string{"evil"});
    wanted[1].second = std::string{"typed"};
    EXPECT_THAT(asked(wanted), IsEmpty());
    wanted[1].second = std::string{"${secret:a}"};
    EXPECT_THAT(asked(wanted), ElementsAre("bearer-token"));
    wanted[1].second = std::string{};
    EXPECT_THAT(asked(wanted), IsEmpty());
    // A secret of the defaults goes along with every instance.
    wanted = {{"hostname", std::string{"evil"}}};
    EXPECT_THAT(asked(wanted), IsEmpty());
    EXPECT_THAT(asked(wanted, {{"password", std::string{"p"}}}), ElementsAre("password"));
    wanted.emplace_back("password", std::string{"mine"});
    EXPECT_THAT(asked(wanted, {{"password", std::string{"p"}}}), IsEmpty());
}

TEST(host_project_secrets, leave_proxies_and_headers) {
    const auto moved = [&](const std::string& settings) {
        return move_secrets("<project name=\"P\"><instance name=\"a\" module=\"websocket-client\">" +
                                settings + "</instance></project>",
                            modules);
    };
    const auto proxy = [&](const std::string& text) {
        return moved("<set name=\"proxy\">" + text + "</set>");
    };
    auto made = proxy("http://me:p%40ss@w0rd@10.0.0.1:3128");
    EXPECT_THAT(made.values, ElementsAre(Pair("a-proxy", "p%40ss@w0rd")));
    EXPECT_THAT(made.text, HasSubstr(">http://me:${secret:a-proxy}@10.0.0.1:3128<"));
    EXPECT_EQ(move_secrets(made.text, modules).text, made.text);
    made = proxy("http://${secret:user}:${secret:first}second@10.0.0.1:3128");
    EXPECT_THAT(made.values, ElementsAre(Pair("a-proxy", "second")));
    EXPECT_THAT(proxy("http://token@10.0.0.1:3128").values, ElementsAre(Pair("a-proxy", "token")));
    for (const auto* whole :
         {"http://10.0.0.1:3128", "http://${secret:user}:${secret:pass}@10.0.0.1:3128", ""})
        EXPECT_THAT(proxy(whole).values, IsEmpty()) << whole;

    made = moved("<set name=\"headers\"><item>Authorization: Bearer abc def </item><item>X-Site: 7</item>"
                 "<item>X-Keyboard: de</item><item>Cookie:a=b; c=d</item><item>x-api-KEY:  "
                 "${secret:key}</item><item>X-Auth-Token: 1</item>"
                 "<item>Proxy-Authorization: plain</item><item>Cookie:</item></set>");
    EXPECT_THAT(made.values,
                ElementsAre(Pair("a-headers-Authorization", "abc def"), Pair("a-headers-Cookie", "a=b; c=d"),
                            Pair("a-headers-X-Auth-Token", "1"),
                            Pair("a-headers-Proxy-Authorization", "plain")));
    EXPECT_THAT(made.text, HasSubstr("<item>Authorization: Bearer ${secret:a-headers-Authorization} </item>"
                                     "<item>X-Site: 7</item><item>X-Keyboard: "
                                     "de</item><item>Cookie:${secret:a-headers-Cookie}</item>"));
    EXPECT_EQ(move_secrets(made.text, modules).text, made.text);

    const auto rule = move_secrets(
        "<project name=\"P\"><rule name=\"R\"><on trigger=\"host/manual\"/><do action=\"host/http\">"
        "<arg name=\"headers\"><item>X-Secret: abc</item></arg><arg name=\"body\">X-Secret: abc</arg></do>"
        "</rule></project>",
        modules);
    EXPECT_THAT(rule.values, ElementsAre(Pair("R-1-headers-X-Secret", "abc")));
}

TEST(host_project_secrets, are_cleaned_out_of_comments_alone) {
    const auto blot = [](std::string_view) { return std::string{"<!--*-->"}; };
    for (const auto& [xml, clean] : std::initializer_list<std::pair<const char*, const char*>>{
             {"<!--a--><b c=\"<!--d-->\" e='\"<!-- >'>f<!--g--></b>",
              "<!--*--><b c=\"<!--d-->\" e='\"<!-- >'>f<!--*--></b>"},
             {"<a><![CDATA[<!--b-->]]></a><!-- > <c d=\" -->", "<a><![CDATA[<!--b-->]]></a><!--*-->"},
             {"<?xml <!--a--> ?>b", "<?xml <!--a--> ?>b"},
             {"a<!--b", "a<!--*-->"},
             {"<a b=\"c", "<a b=\"c"}})
        EXPECT_EQ(with_comments(xml, blot), clean);
}

TEST(host_project_secrets, lead_nowhere_else_unseen) {
    const auto instance = [](const std::string& name, const std::string& settings) {
        return "<instance name=\"" + name + "\" module=\"websocket-client\">" + settings + "</instance>";
    };
    const auto set = [](const std::string& id, const std::string& text) {
        return "<set name=\"" + id + "\">" + text + "</set>";
    };
    const auto rule = [&](const std::string& on, const std::string& action) {
        return "<rule name=\"R\"><on trigger=\"" + on + "\"/><do action=\"" + action +
               "\"><arg name=\"message\">${secret:key}</arg></do></rule>";
    };
    const auto project = [](const std::string& inside) {
        return "<project name=\"P\">" + inside + "</project>";
    };
    const auto here = set("hostname", "here");
    const auto there = set("hostname", "there");
    const auto key = set("password", "${secret:key}");
    const auto present = instance("a", here + key);
    const auto led = [&](const std::string& before, const std::string& after,
                         const std::set<std::string, std::less<>>& anew = {}) {
        std::vector<std::string> all;
        for (const auto& one : secrets_led_elsewhere(project(before), project(after), modules, anew))
            all.push_back(one.by + (one.environment ? " env " : " ") + one.name);
        return all;
    };
    EXPECT_THAT(led(present, present), IsEmpty());
    EXPECT_THAT(led(present, present + instance("b", set("port", "0") + key + here)),
                IsEmpty()); // as by default
    EXPECT_THAT(led(present, present + instance("b", here + set("username", "${secret:key|json}"))),
                IsEmpty());
    EXPECT_THAT(led(present, present + instance("b", there + key)), ElementsAre("password key"));
    EXPECT_THAT(led(present, present + instance("b", there + key), {"key"}), IsEmpty());
    EXPECT_THAT(led(present, instance("a", there + key)), ElementsAre("password key"));
    EXPECT_THAT(led(present, instance("a", here + set("password", "${secret:other}"))),
                ElementsAre("password other"));
    EXPECT_THAT(led(present, instance("a", here + set("path", "/${env:IOM_KEY}")), {"IOM_KEY"}),
                ElementsAre("path env IOM_KEY"));
    const auto list = "<set name=\"headers\"><item>X: ${secret:key}</item></set>";
    EXPECT_THAT(led(present, present + instance("b", there + list)), ElementsAre("headers key"));
    const auto defaults = "<defaults module=\"websocket-client\">" + key + "</defaults>";
    EXPECT_THAT(led(present, defaults + instance("a", here)), IsEmpty());
    EXPECT_THAT(led(present, defaults + instance("a", here) + instance("b", there)),
                ElementsAre("password key"));
    EXPECT_THAT(led(present, defaults + instance("a", here) + instance("b", there + set("password", "p"))),
                IsEmpty());
    // What a rule sends goes to the instance that it names, or to the one that it was heard from.
    const auto both = present + instance("b", there);
    EXPECT_THAT(led(both, both + rule("host/manual", "a/send-message")), IsEmpty());
    EXPECT_THAT(led(both, both + rule("a/ready", "this/send-message")), IsEmpty());
    for (const auto& one : {rule("host/manual", "b/send-message"), rule("b/ready", "this/send-message"),
                            rule("websocket-client/ready", "this/send-message"), rule("a/ready", "host/log")})
        EXPECT_THAT(led(both, both + one), ElementsAre("rule R key")) << one;
    const auto told = both + rule("host/manual", "b/send-message");
    EXPECT_THAT(led(told, told), IsEmpty());
}

TEST(host_project_secrets, lead_nowhere_else_by_rules_of_the_host) {
    const auto rule = [](const std::string& url, const std::string& more = {}) {
        return "<project name=\"P\"><rule name=\"R\"><on trigger=\"host/manual\"/><do action=\"host/http\">"
               "<arg name=\"url\">" +
               url + "</arg><arg name=\"body\">${secret:key}</arg>" + more + "</do></rule></project>";
    };
    const auto leads = [&](const std::string& before, const std::string& after) {
        return !secrets_led_elsewhere(before, after, modules, {}).empty();
    };
    const auto here = rule("http://here/login");
    EXPECT_FALSE(leads(here, rule("http://HERE:80/other?x=${1}")));
    EXPECT_FALSE(leads(rule("https://${host/there}/a"), rule("https://${host/there}/a")));
    for (const auto& elsewhere :
         {rule("http://there/login"), rule("https://here/login"), rule("http://here:81/login"),
          rule("http://here${host/there}/login"), rule("${host/there}"), rule("http://${host/there}/login"),
          rule("http://here.there/login")})
        EXPECT_TRUE(leads(here, elsewhere)) << elsewhere;
    const auto unchecked = rule("http://here/login", "<arg name=\"tls-verify\">${host/there}</arg>");
    EXPECT_TRUE(leads(here, unchecked));
    EXPECT_FALSE(leads(unchecked, unchecked));
}

TEST(SecretsToAsk, NamesEverySettingThatInsertsAStoredOne) {
    manifest::module_manifest module;
    for (const auto* id : {"hostname", "headers", "greeting", "path", "bearer-token"}) {
        manifest::setting one;
        one.id = id;
        one.type = std::string_view{id} == "bearer-token" ? manifest::type::secret : manifest::type::text;
        module.settings.push_back(one);
    }
    const std::vector<std::string> headers{"X-Site: 7", "X-Key: ${secret:key}"};
    step_draft step;
    step.send = "log in ${secret:pin|json}";
    const values_draft present{{"hostname", std::string{"here"}},
                               {"headers", headers},
                               {"greeting", std::vector<step_draft>{step}},
                               {"path", std::string{"/x"}}};
    auto wanted = present;
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module), IsEmpty());
    wanted[0].second = std::string{"evil"};
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module), ElementsAre("headers", "greeting"));
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module, {"pin"}), ElementsAre("headers"));
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module, {"pin", "key"}), IsEmpty());
    wanted[1].second = std::vector<std::string>{"X-Key: typed"};
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module, {"pin"}), IsEmpty());
    wanted.emplace_back("bearer-token", std::string{"${secret:anything}"}); // where none was before
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module, {"pin"}), ElementsAre("bearer-token"));
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module, {"pin", "anything"}), IsEmpty());
    wanted[3].second = std::string{"/${env:IOM_KEY}"};
    EXPECT_THAT(secrets_to_ask(present, wanted, {}, module, {"pin", "anything"}), ElementsAre("path"));
}

} // namespace
} // namespace iom::host
