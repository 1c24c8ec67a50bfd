#include "commands/check.hpp"
#include "commands/connect.hpp"
#include "commands/describe.hpp"
#include "commands/passwd.hpp"
#include "commands/run.hpp"
#include "commands/validate.hpp"
#include "loader.hpp"
#include "log.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

// Composition only: the command line, and which command it calls.

namespace {

using namespace iom::host;

constexpr int bad_usage = 2;

const CLI::Validator& log_level_name() {
    static const CLI::Validator one(
        [](const std::string& written) {
            return parse_log_level(written)
                       ? std::string()
                       : "'" + written + "' is no level: error, warning, info, debug or frame";
        },
        "LEVEL");
    return one;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Runs IO modules and the rules of a project: a controller's runtime.", "iomhost");
    app.require_subcommand(1);
    app.set_version_flag("--version", IOM_HOST_VERSION);
    std::filesystem::path modules = loader::default_folder();
    std::vector<std::filesystem::path> files;
    const auto takes_modules = [&](CLI::App& command) {
        command.add_option("--modules", modules,
                           "Folder of the modules (default: modules/ beside this program)");
    };
    const auto takes_files = [&](CLI::App& command) {
        command
            .add_option("--files", files,
                        "Folder that files named by settings may lie in, besides files/ beside the project; "
                        "repeatable")
            ->allow_extra_args(false);
    };
    int answer = 0;

    CLI::App& run =
        *app.add_subcommand("run", "Run a project until SIGINT or SIGTERM; SIGHUP loads it again");
    commands::run_options run_with;
    std::string format = "text";
    std::string level;
    bool no_web = false;
    run.add_option("PROJECT", run_with.project, "The project file")->required();
    CLI::Option* const web_option =
        run.add_option("--web", run_with.web_address,
                       "Where the web page is served (ADDR:PORT; port 0: any free one)")
            ->capture_default_str();
    run.add_option("--web-name", run_with.web_names, "Name by which browsers may reach the page; repeatable")
        ->allow_extra_args(false);
    run.add_flag("--web-plain", run_with.web_plain, "Serve the page without HTTPS, wherever");
    run.add_flag("--no-web", no_web, "Serve no web page")->excludes(web_option);
    takes_modules(run);
    takes_files(run);
    run.add_option("--log-format", format, "How lines of the log look: text or json")
        ->check(CLI::IsMember({"text", "json"}));
    run.add_option("--log-level", level, "The least important lines to log")->check(log_level_name());
    run.add_option("--log-dir", run_with.log_folder, "Write the log to files in this folder as well");
    run.add_flag("--trace", run_with.trace, "Log what the rules did with each event");
    run.callback([&] {
        run_with.modules = modules;
        run_with.files = files;
        run_with.format = format == "json" ? log_format::json : log_format::text;
        run_with.level = level.empty() ? std::nullopt : parse_log_level(level);
        run_with.web = !no_web;
        run_with.version = IOM_HOST_VERSION;
        answer = commands::run(run_with);
    });

    CLI::App& check =
        *app.add_subcommand("check", "Say every mistake of a project as file:line:column: sentence");
    commands::check_options check_with;
    check.add_option("PROJECT", check_with.project, "The project file")->required();
    takes_modules(check);
    takes_files(check);
    check.callback([&] {
        check_with.modules = modules;
        check_with.files = files;
        answer = commands::check(check_with);
    });

    CLI::App& passwd = *app.add_subcommand("passwd", "Set the password of a project's web page");
    std::filesystem::path guarded_project;
    passwd.add_option("PROJECT", guarded_project, "The project file")->required();
    passwd.callback([&] { answer = commands::passwd(guarded_project); });

    CLI::App& validate = *app.add_subcommand("validate", "Try a module against the contract");
    std::filesystem::path object;
    std::string only;
    validate.add_option("MODULE.so", object, "The module's shared object; its manifest lies beside it")
        ->required();
    validate.add_option("--only", only, "Run one test, in this process")->group("");
    validate.callback(
        [&] { answer = only.empty() ? commands::validate(object) : commands::validate_one(object, only); });

    CLI::App& describe = *app.add_subcommand("describe", "Print the manual of a module");
    std::string described;
    describe.add_option("MODULE", described, "Its name, or the path of its .so or .xml")->required();
    takes_modules(describe);
    describe.callback([&] { answer = commands::describe(described, modules); });

    CLI::App& connect = *app.add_subcommand(
        "connect", "One session: lines of stdin are sent, what is received goes to stdout");
    commands::connect_options connect_with;
    std::vector<std::string> settings;
    double linger = 1;
    connect.add_option("URL", connect_with.url, "ws://host:port/path or wss://…")->required();
    connect.add_option("--send", connect_with.send, "Send this text first; repeatable")
        ->allow_extra_args(false);
    connect.add_option("--bearer", connect_with.bearer,
                       "Token to show to the server (seen in the process list)");
    connect.add_option("--bearer-file", connect_with.bearer_file, "The same, read from a file");
    connect.add_option("--header", connect_with.headers, "Header to send, 'Name: value'; repeatable")
        ->allow_extra_args(false);
    connect.add_option("--ca", connect_with.ca, "PEM file with the certificate authorities to trust");
    connect.add_flag("--insecure", connect_with.insecure, "Accept any certificate");
    connect.add_option("--set", settings, "Any other setting of the module, id=value; repeatable")
        ->allow_extra_args(false);
    connect.add_flag("--echo", connect_with.echo,
                     "Send every message back with its own type until the server closes; stdin is not read");
    connect.add_flag("--raw", connect_with.raw, "Write binary messages as they are, not as hex");
    connect
        .add_option("--linger", linger, "Seconds without a message, after the input's end, until the close")
        ->check(CLI::Range(0.0, 86400.0));
    connect.add_flag("--verbose", connect_with.verbose, "Say everything that the module has to say");
    takes_modules(connect);
    connect.callback([&] {
        connect_with.modules = modules;
        connect_with.linger = std::llround(linger * static_cast<double>(one_second));
        for (const std::string& each : settings) {
            const std::size_t equals = each.find('=');
            if (equals == std::string::npos || equals == 0) {
                throw CLI::ValidationError("--set", "'" + each + "' is not of the form id=value");
            }
            connect_with.settings.emplace_back(each.substr(0, equals), each.substr(equals + 1));
        }
        answer = commands::connect(connect_with);
    });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
            return app.exit(error); // --help and --version
        }
        std::fprintf(stderr, "iomhost: %s. Try iomhost --help, or iomhost COMMAND --help.\n", error.what());
        return bad_usage;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "iomhost: %s\n", error.what());
        return 1;
    }
    return answer;
}
