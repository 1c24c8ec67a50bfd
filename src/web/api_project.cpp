// The project as a whole: download, upload, reload.

#include "web/plan.hpp"

#include <string>

namespace iom::host::web {

void web::body::download_project(const std::shared_ptr<asking>& /*from*/, reply to) {
    answer made{200, say()->without_secrets(), "application/xml", {}};
    made.headers.emplace_back("etag", '"' + say()->project_revision() + '"');
    std::string name = controller_.made_with().project.filename().string();
    if (name.find_first_of("\"\\") != std::string::npos) {
        name = "project.xml"; // what would end the quotes
    }
    made.headers.emplace_back("content-disposition", "attachment; filename=\"" + name + '"');
    to(std::move(made));
}

void web::body::upload_project(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        if (auto refused =
                revision_trouble(*from, said->project_revision(),
                                 "The project was changed since you looked at it. Nothing was replaced.")) {
            to(std::move(*refused));
            done();
            return;
        }
        auto what = planned(*from, *said);
        what->lines = true;
        what->text = from->what->body;
        std::vector<manifest::mistake> none;
        const manifest::element root = manifest::parse_xml(what->text, "project", none);
        for (const manifest::element& each : root.children) {
            if (const std::string* const name = each.attribute("name");
                each.name == "instance" && name != nullptr) {
                what->touched.push_back(*name);
            }
        }
        judge_and_apply(what, to, done);
    });
}

void web::body::reload_from_disk(const std::shared_ptr<asking>& /*from*/, reply to) {
    in_turn(to, [this, to](const std::function<void()>& done) {
        const runtime_options& made = controller_.made_with();
        std::vector<manifest::mistake> mistakes;
        site around(made.project, made.modules, made.file_folders, known_);
        if (read_project(made.project, around, mistakes) == nullptr) {
            json all = json::array();
            for (const manifest::mistake& each : mistakes) {
                all.push_back(file_mistake_json(each));
            }
            to(problem(422, "mistakes", "The file has mistakes; everything goes on as before.",
                       {{"mistakes", all}}));
            done();
            return;
        }
        reload_project([this, to, done](bool good) {
            to(good ? json_answer(
                          200, {{"revision", say()->project_revision()}, {"generation", say()->generation()}})
                    : problem(422, "mistakes",
                              "The file has mistakes that the modules found; the log says which. "
                              "Everything goes on as before."));
            done();
        });
    });
}

} // namespace iom::host::web
