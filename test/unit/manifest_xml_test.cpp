// From text to elements: what is XML, what is not, where, and the bounds.

#include "manifest/xml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <ostream>
#include <sys/stat.h>

namespace {

using iom::manifest::element;
using iom::manifest::mistake;
using iom::manifest::parse_xml;
using iom::manifest::read_xml;
using iom::manifest::xml_limits;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// The root of a text that is right.
element parsed(std::string_view xml) {
    std::vector<mistake> mistakes;
    element root = parse_xml(xml, "file.xml", mistakes);
    for (const mistake& each : mistakes) {
        ADD_FAILURE() << to_string(each);
    }
    return root;
}

// ---- what is read ------------------------------------------------------------------------------------

TEST(Xml, ElementsAttributesAndTextInOrder) {
    const element root = parsed("<a one='1' two=\"2\">x<b/>y<c>z</c></a>");
    EXPECT_EQ(root.name, "a");
    ASSERT_THAT(root.attributes, SizeIs(2));
    ASSERT_NE(root.attribute("two"), nullptr);
    EXPECT_EQ(*root.attribute("two"), "2");
    EXPECT_EQ(root.attribute("three"), nullptr);
    EXPECT_EQ(root.text, "xy");
    ASSERT_THAT(root.children, SizeIs(2));
    EXPECT_EQ(root.children[0].name, "b");
    EXPECT_EQ(root.children[1].text, "z");
}

TEST(Xml, TextIsKeptAsItIs) {
    EXPECT_EQ(parsed("<a>  \n x </a>").text, "  \n x ");
    EXPECT_EQ(parsed("<a> </a>").text, " ");
    EXPECT_EQ(parsed("<a>\r\nb\rc</a>").text, "\nb\nc");
    EXPECT_EQ(parsed("<a>one<!-- two -->three<?four?></a>").text, "onethree");
    EXPECT_EQ(parsed("<a>1<![CDATA[<&]]]>]]&gt;2</a>").text, "1<&]]]>2");
    EXPECT_EQ(parsed("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;&#x20AC;</a>").text, "<&>\"'AB€");
    EXPECT_EQ(parsed("<a>&amp;lt;</a>").text, "&lt;");
    EXPECT_EQ(*parsed("<a b='&quot;&#x31; &lt;'/>").attribute("b"), "\"1 <");
}

TEST(Xml, PlacesCountCharactersFromOne) {
    const element root = parsed("<a>\n  <b/> <!-- ü --> <c/>\n<d>\n\t<e/></d></a>");
    EXPECT_EQ(root.where.file, "file.xml");
    EXPECT_EQ(root.where.line, 1);
    EXPECT_EQ(root.where.column, 1);
    EXPECT_EQ(root.children[0].where.line, 2);
    EXPECT_EQ(root.children[0].where.column, 3);
    EXPECT_EQ(root.children[1].where.line, 2);
    EXPECT_EQ(root.children[1].where.column, 19);
    EXPECT_EQ(root.children[2].children[0].where.line, 4);
    EXPECT_EQ(root.children[2].children[0].where.column, 2);
}

TEST(Xml, ExtentsLeadBackToTheBytes) {
    for (const std::string_view mark : {"", "\xEF\xBB\xBF"}) {
        const std::string xml = std::string(mark) +
                                "<!-- <no/> --><a xmlns:xsi='u' one = '&lt;1'>ü<b two=\"2\" />" +
                                "<?pi <no/> ?><c >x<![CDATA[<no/>]]><d></d></c ></a>";
        const element root = parsed(xml);
        EXPECT_EQ(root.source.of(xml), xml.substr(xml.find("<a")));
        ASSERT_THAT(root.attribute_sources, SizeIs(1));
        EXPECT_EQ(root.attribute_sources[0].of(xml), "one = '&lt;1'");
        const element& b = root.children[0];
        EXPECT_EQ(b.source.of(xml), "<b two=\"2\" />");
        EXPECT_EQ(b.inside, (iom::manifest::extent{b.source.end, b.source.end}));
        EXPECT_EQ(b.attribute_sources[0].of(xml), "two=\"2\"");
        const element& c = root.children[1];
        EXPECT_EQ(c.source.of(xml), "<c >x<![CDATA[<no/>]]><d></d></c >");
        EXPECT_EQ(c.inside.of(xml), "x<![CDATA[<no/>]]><d></d>");
        EXPECT_EQ(c.children[0].source.of(xml), "<d></d>");
        EXPECT_LT(c.children[0].inside.end, c.children[0].source.end);
    }
}

TEST(Xml, AByteOrderMarkAndADeclarationDoNotShow) {
    const element root = parsed("\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a/>");
    EXPECT_EQ(root.name, "a");
    EXPECT_EQ(root.where.line, 2);
    EXPECT_EQ(parsed("\xEF\xBB\xBF<a/>").where.column, 1);
}

TEST(Xml, WhatTiesAFileToItsSchemaIsLeftOut) {
    const element root = parsed("<a xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
                                "xsi:noNamespaceSchemaLocation='project.xsd' b='1'/>");
    ASSERT_THAT(root.attributes, SizeIs(1));
    EXPECT_EQ(root.attributes[0].first, "b");
}

// ---- what is refused ---------------------------------------------------------------------------------

struct refused {
    const char* xml;
    int line;
    int column;
    const char* sentence;
};

std::ostream& operator<<(std::ostream& out, const refused& what) {
    return out << std::string_view(what.xml).substr(0, 60);
}

class refusal_of_text : public testing::TestWithParam<refused> {};

TEST_P(refusal_of_text, WithPlaceAndSentence) {
    const refused& what = GetParam();
    std::vector<mistake> mistakes;
    const element root = parse_xml(what.xml, "file.xml", mistakes);
    EXPECT_EQ(root.name, "");
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_THAT(to_string(mistakes[0]), HasSubstr("file.xml:" + std::to_string(what.line) + ":" +
                                                  std::to_string(what.column) + ": "));
    EXPECT_THAT(mistakes[0].sentence, HasSubstr(what.sentence));
    EXPECT_EQ(mistakes[0].sentence.back(), '.');
    EXPECT_FALSE(mistakes[0].warning);
}

INSTANTIATE_TEST_SUITE_P(
    Xml, refusal_of_text,
    testing::Values(
        // No document
        refused{"", 1, 1, "no element"}, refused{"  \n ", 1, 1, "no element"},
        refused{"<!-- only -->", 1, 1, "no element"}, refused{"hello", 1, 1, "before the first element"},
        refused{"<a/>\nhello", 2, 1, "after the end of the root"}, refused{"<a/><b/>", 1, 5, "second root"},
        refused{"<![CDATA[x]]><a/>", 1, 1, "CDATA section stands outside"},
        // Tags
        refused{"<a>", 1, 1, "<a> is never closed"}, refused{"<a><b></b>", 1, 1, "<a> is never closed"},
        refused{"<a>\n<b>\n</a>", 3, 1, "<b> from line 2 is still open"},
        refused{"<a/></b>", 1, 5, "closes nothing"}, refused{"<a></a", 1, 4, "end tag is broken"},
        refused{"<a></ a>", 1, 4, "end tag is broken"}, refused{"<a", 1, 1, "never ends"},
        refused{"<a>< b/></a>", 1, 4, "&lt;"}, refused{"<a><1/></a>", 1, 4, "&lt;"},
        refused{"<a>1 < 2</a>", 1, 6, "&lt;"}, refused{"<", 1, 1, "&lt;"},
        // Attributes
        refused{"<a b></a>", 1, 5, "no value in quotes"}, refused{"<a b=1/>", 1, 6, "no value in quotes"},
        refused{"<a b='1/>", 1, 6, "never ends"}, refused{"<a b='<'/>", 1, 7, "&lt;"},
        refused{"<a b='1' b='2'/>", 1, 10, "stands twice"},
        refused{"<a b='1'c='2'/>", 1, 9, "goes wrong here"}, refused{"<a ='1'/>", 1, 4, "goes wrong here"},
        refused{"<a / >", 1, 4, "goes wrong here"},
        // References
        refused{"<a>R&D</a>", 1, 5, "&amp;"}, refused{"<a>\n &nbsp;</a>", 2, 2, "&amp;"},
        refused{"<a b='x&y;'/>", 1, 8, "&amp;"}, refused{"<a>&</a>", 1, 4, "&amp;"},
        refused{"<a>&#0;</a>", 1, 4, "${char:1e}"}, refused{"<a>&#x1e;</a>", 1, 4, "${char:1e}"},
        refused{"<a>&#xD800;</a>", 1, 4, "cannot hold"}, refused{"<a>&#x110000;</a>", 1, 4, "cannot hold"},
        refused{"<a>&#99999999999;</a>", 1, 4, "no proper number"}, refused{"<a>&#;</a>", 1, 4, "no proper"},
        refused{"<a>&#xg;</a>", 1, 4, "no proper number"}, refused{"<a>&#1f;</a>", 1, 4, "no proper number"},
        // Sections
        refused{"<a><!-- x </a>", 1, 4, "comment never ends"},
        refused{"<a><!-- x -- y --></a>", 1, 11, "no --"},
        refused{"<a><![CDATA[x</a>", 1, 4, "CDATA section never ends"},
        refused{"<a>x]]>y</a>", 1, 5, "]]&gt;"}, refused{"<a><?x</a>", 1, 4, "instruction never ends"},
        refused{"<a><? ?></a>", 1, 4, "no name"},
        refused{"<a/>\n<?xml version='1.0'?>", 2, 1, "very beginning"},
        refused{"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 1, 1, "UTF-8"},
        // Document types, the way to entities
        refused{"<!DOCTYPE a><a/>", 1, 1, "document type"},
        refused{
            "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>",
            2, 1, "document type"},
        refused{"<a><!ELEMENT b ANY></a>", 1, 4, "document type"},
        // Bytes
        refused{"<a>ü\xFF</a>", 1, 5, "not UTF-8"}, refused{"<a>\xC0\xAF</a>", 1, 4, "not UTF-8"},
        refused{"<a>\xED\xA0\x80</a>", 1, 4, "not UTF-8"},
        refused{"<a>\xF4\x90\x80\x80</a>", 1, 4, "not UTF-8"}, refused{"<a>\xE2\x82</a>", 1, 4, "not UTF-8"},
        refused{"<a>\n\xE2", 2, 1, "not UTF-8"}, refused{"<a>\x01</a>", 1, 4, "control character"}));

TEST(Xml, ANulIsNoCharacter) {
    std::vector<mistake> mistakes;
    parse_xml(std::string_view("<a>\0</a>", 8), "file.xml", mistakes);
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_THAT(to_string(mistakes[0]), HasSubstr("file.xml:1:4: XML cannot hold"));
}

TEST(Xml, Utf16IsNamed) {
    std::vector<mistake> mistakes;
    parse_xml(std::string_view("\xFF\xFE<\0a\0/\0>\0", 10), "file.xml", mistakes);
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_EQ(to_string(mistakes[0]), "file.xml: the file is UTF-16. Save it as UTF-8.");
}

TEST(Xml, LongNamesAreCutInSentences) {
    std::vector<mistake> mistakes;
    parse_xml("<" + std::string(100'000, 'a') + ">", "file.xml", mistakes);
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_LT(mistakes[0].sentence.size(), 200U);
}

// ---- bounds ------------------------------------------------------------------------------------------

struct bound {
    const char* what;
    std::string (*make)(std::size_t);
    std::size_t most;
    const char* sentence;
};

std::ostream& operator<<(std::ostream& out, const bound& what) {
    return out << what.what;
}

std::string nested(std::size_t depth) {
    std::string xml;
    for (std::size_t i = 0; i < depth; ++i) {
        xml += "<a>";
    }
    for (std::size_t i = 0; i < depth; ++i) {
        xml += "</a>";
    }
    return xml;
}

std::string elements(std::size_t count) {
    std::string xml = "<a>";
    for (std::size_t i = 1; i < count; ++i) {
        xml += "<b/>";
    }
    return xml + "</a>";
}

std::string attributes(std::size_t count) {
    std::string xml = "<a";
    for (std::size_t i = 0; i < count; ++i) {
        xml += " b" + std::to_string(i) + "=''";
    }
    return xml + "/>";
}

std::string bytes(std::size_t count) {
    return "<a>" + std::string(count - 7, 'x') + "</a>";
}

class bounds : public testing::TestWithParam<bound> {};

TEST_P(bounds, HoldExactly) {
    const bound& what = GetParam();
    std::vector<mistake> mistakes;
    EXPECT_EQ(parse_xml(what.make(what.most), "file.xml", mistakes).name, "a");
    EXPECT_THAT(mistakes, IsEmpty());
    EXPECT_EQ(parse_xml(what.make(what.most + 1), "file.xml", mistakes).name, "");
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_THAT(mistakes[0].sentence, HasSubstr(what.sentence));
}

INSTANTIATE_TEST_SUITE_P(Xml, bounds,
                         testing::Values(bound{"depth", nested, 32, "nested more than 32 deep"},
                                         bound{"elements", elements, 100'000, "more than 100000 elements"},
                                         bound{"attributes", attributes, 64, "more than 64 attributes"},
                                         bound{"bytes", bytes, 4U << 20U, "larger than 4194304 bytes"}),
                         [](const auto& each) { return std::string(each.param.what); });

TEST(Xml, BoundsCanBeNarrowed) {
    std::vector<mistake> mistakes;
    xml_limits limits;
    limits.depth = 2;
    parse_xml(nested(3), "file.xml", mistakes, limits);
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_THAT(mistakes[0].sentence, HasSubstr("nested more than 2 deep"));
}

TEST(Xml, MillionsOfOpenTagsAreRefusedAtOnce) {
    std::string xml;
    for (int i = 0; i < 1'000'000; ++i) {
        xml += "<a>";
    }
    std::vector<mistake> mistakes;
    EXPECT_EQ(parse_xml(xml, "file.xml", mistakes).name, "");
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_THAT(to_string(mistakes[0]), HasSubstr("file.xml:1:97: elements are nested"));
}

// ---- files -------------------------------------------------------------------------------------------

class xml_file : public testing::Test {
public:
    xml_file() {
        std::string name = (std::filesystem::temp_directory_path() / "iom-xml-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~xml_file() override { std::filesystem::remove_all(folder_); }

protected:
    std::string refusal(const std::filesystem::path& file, xml_limits limits = {}) {
        std::vector<mistake> mistakes;
        EXPECT_EQ(read_xml(file, mistakes, limits).name, "");
        EXPECT_THAT(mistakes, SizeIs(1));
        return mistakes.empty() ? "" : to_string(mistakes[0]);
    }

    std::filesystem::path folder_;
};

TEST_F(xml_file, IsReadWithItsNameInPlaces) {
    const auto file = folder_ / "a.xml";
    std::ofstream(file) << "<a>\n<b/></a>\n";
    std::vector<mistake> mistakes;
    const element root = read_xml(file, mistakes);
    EXPECT_THAT(mistakes, IsEmpty());
    ASSERT_THAT(root.children, SizeIs(1));
    EXPECT_EQ(root.children[0].where.file, file.string());
    EXPECT_EQ(root.children[0].where.line, 2);
}

TEST_F(xml_file, RefusesWhatIsNoFile) {
    EXPECT_EQ(refusal(folder_ / "none.xml"), (folder_ / "none.xml").string() + ": there is no such file.");
    EXPECT_THAT(refusal(folder_), HasSubstr("a folder or a device"));
    EXPECT_THAT(refusal("/dev/zero"), HasSubstr("a folder or a device"));
    const auto pipe = folder_ / "pipe.xml";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_THAT(refusal(pipe), HasSubstr("a folder or a device"));
}

TEST_F(xml_file, RefusesWhatIsTooLarge) {
    const auto file = folder_ / "large.xml";
    std::ofstream(file) << "<a/>";
    std::filesystem::resize_file(file, std::uintmax_t{1} << 40U); // takes no space on the disk
    EXPECT_THAT(refusal(file), HasSubstr("larger than 4194304 bytes"));
}

TEST_F(xml_file, RefusesWhatCannotBeRead) {
    // Linux calls it a regular file and opens it, but its first bytes belong to no memory.
    EXPECT_EQ(refusal("/proc/self/mem"), "/proc/self/mem: the file cannot be read.");
}

TEST(Mistake, IsWrittenAsCompilersDo) {
    EXPECT_EQ(to_string(mistake{{"p.xml", 3, 7}, "this is wrong.", false}), "p.xml:3:7: this is wrong.");
    EXPECT_EQ(to_string(mistake{{"p.xml", 3, 7}, "this is odd.", true}), "p.xml:3:7: warning: this is odd.");
    EXPECT_EQ(to_string(mistake{{"p.xml", 0, 0}, "this is wrong.", false}), "p.xml: this is wrong.");
    EXPECT_EQ(to_string(mistake{{"", 0, 0}, "this is wrong.", false}), "this is wrong.");
}

} // namespace
