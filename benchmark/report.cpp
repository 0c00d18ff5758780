#include "benchmark/report.h"

#include <cmath>
#include <cstdio>
#include <fstream>

namespace bpftime::benchmark {

namespace {

std::string number(double value) {
    char text[32];
    const int digits = value >= 1000 ? 0 : value >= 100 ? 0 : value >= 10 ? 1 : 2;
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

// A Markdown table with its columns aligned: the first to the left, the rest to the right.
class Table {
public:
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    std::string text() const {
        std::vector<std::size_t> width;
        for (const auto& cells : rows_)
            for (std::size_t i = 0; i < cells.size(); ++i) {
                if (i == width.size()) width.push_back(3);
                width[i] = std::max(width[i], cells[i].size());
            }
        std::string out;
        for (std::size_t r = 0; r < rows_.size(); ++r) {
            for (std::size_t i = 0; i < width.size(); ++i) {
                const std::string cell = i < rows_[r].size() ? rows_[r][i] : "";
                const std::string pad(width[i] - cell.size(), ' ');
                out += i == 0 ? "| " + cell + pad + " |" : " " + pad + cell + " |";
            }
            out += '\n';
            if (r != 0) continue;
            for (std::size_t i = 0; i < width.size(); ++i)
                out += (i == 0 ? "|" : "") + std::string(width[i] + 1, '-') + (i == 0 ? "-|" : ":|");
            out += '\n';
        }
        return out;
    }

private:
    std::vector<std::vector<std::string>> rows_;
};

bool measured(const Figure& figure) { return figure.error.empty() && figure.ns > 0; }

std::vector<std::string> headings(const Report& report, std::vector<std::string> first) {
    first.insert(first.end(), report.contestants.begin(), report.contestants.end());
    return first;
}

std::string run_table(const Report& report) {
    Table table;
    table.row(headings(report, {"ns a call", "instructions", "executed"}));
    for (const Row& row : report.rows) {
        std::vector<std::string> cells = {row.workload, std::to_string(row.slots),
                                          row.executed ? std::to_string(row.executed) : "-"};
        for (const Figure& figure : row.figures) cells.push_back(measured(figure) ? number(figure.ns) : "-");
        table.row(std::move(cells));
    }
    for (const bool better : {false, true}) {
        std::vector<std::string> cells = {better ? "geomean / better native" : "geomean / clang -O3", "", ""};
        for (std::size_t i = 0; i < report.contestants.size(); ++i) {
            const double ratio = geomean_ratio(report, i, better);
            cells.push_back(ratio > 0 ? number(ratio) : "-");
        }
        table.row(std::move(cells));
    }
    return table.text();
}

std::string ratio_table(const Report& report) {
    Table table;
    table.row(headings(report, {"ratio to clang -O3"}));
    for (const Row& row : report.rows) {
        std::vector<std::string> cells = {row.workload};
        for (const Figure& figure : row.figures)
            cells.push_back(measured(figure) && measured(row.figures[0]) ? number(figure.ns / row.figures[0].ns) : "-");
        table.row(std::move(cells));
    }
    return table.text();
}

std::string compile_table(const Report& report) {
    Table table;
    std::vector<std::string> head = {"us to compile"};
    for (std::size_t i = 2; i < report.contestants.size(); ++i) {
        head.push_back(report.contestants[i]);
        if (report.contestants[i] == "aot") head.push_back("aot: object to callable");
    }
    table.row(head);
    for (const Row& row : report.rows) {
        std::vector<std::string> cells = {cat(row.workload, " (", row.slots, ")")};
        for (std::size_t i = 2; i < row.figures.size(); ++i) {
            const Figure& figure = row.figures[i];
            cells.push_back(figure.error.empty() ? number(figure.compile_us) : "-");
            if (report.contestants[i] == "aot") cells.push_back(figure.error.empty() ? number(figure.load_us) : "-");
        }
        table.row(std::move(cells));
    }
    return table.text();
}

// Interpreter nanoseconds by executed instruction, over all rows.
std::string interpreter_line(const Report& report) {
    for (std::size_t i = 0; i < report.contestants.size(); ++i) {
        if (report.contestants[i] != "interpreter") continue;
        double logs = 0, least = 1e9, most = 0;
        int count = 0;
        for (const Row& row : report.rows) {
            if (row.executed < 100 || !measured(row.figures[i])) continue;
            const double ns = row.figures[i].ns / static_cast<double>(row.executed);
            logs += std::log(ns);
            least = std::min(least, ns);
            most = std::max(most, ns);
            ++count;
        }
        if (count == 0) return {};
        return cat("Interpreter: ", number(std::exp(logs / count)),
                   " ns an instruction (geomean of programs that execute 100 or more; ", number(least), " to ",
                   number(most), ").\n");
    }
    return {};
}

std::string scale_table(const Report& report) {
    Table table;
    table.row({"engine", "instructions", "ms to compile", "ns an instruction", "bytes of code"});
    for (const ScalePoint& point : report.scale)
        table.row({point.engine, std::to_string(point.instructions), number(point.ms),
                   number(point.ms * 1e6 / static_cast<double>(point.instructions)), std::to_string(point.code_bytes)});
    return table.text();
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20) out += ' ';
        else out += c;
    }
    return out + '"';
}

std::string real(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string processor() {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (const auto colon = line.find(": "); line.starts_with("model name") && colon != std::string::npos)
            return line.substr(colon + 2);
    return "unknown";
}

std::string json_row(const Report& report, const Row& row) {
    std::string out = cat("    {\"program\": ", quoted(row.workload), ", \"r0\": ", quoted(hex(row.r0)),
                          ", \"instructions\": ", row.slots, ", \"executed\": ", row.executed, ", \"contestants\": {");
    for (std::size_t i = 0; i < row.figures.size(); ++i) {
        const Figure& figure = row.figures[i];
        out += cat(i ? ", " : "", quoted(report.contestants[i]), ": {");
        if (figure.error.empty())
            out += cat("\"ns\": ", real(figure.ns), ", \"compile_us\": ", real(figure.compile_us), ", \"load_us\": ",
                       real(figure.load_us), ", \"code_bytes\": ", figure.code_bytes);
        else
            out += cat("\"error\": ", quoted(figure.error));
        out += '}';
    }
    return out + "}}";
}

}  // namespace

double geomean_ratio(const Report& report, std::size_t contestant, bool better) {
    double logs = 0;
    int count = 0;
    for (const Row& row : report.rows) {
        const Figure& figure = row.figures[contestant];
        if (!measured(figure) || !measured(row.figures[0]) || !measured(row.figures[1])) continue;
        const double base = better ? std::min(row.figures[0].ns, row.figures[1].ns) : row.figures[0].ns;
        logs += std::log(figure.ns / base);
        ++count;
    }
    return count == 0 ? 0 : std::exp(logs / count);
}

std::string tables(const Report& report) {
    std::string out;
    if (!report.rows.empty())
        out += run_table(report) + '\n' + interpreter_line(report) + '\n' + ratio_table(report) + '\n' +
               compile_table(report);
    if (!report.scale.empty()) out += (out.empty() ? "" : "\n") + scale_table(report);
    return out;
}

std::string json(const Report& report) {
    std::string out = cat("{\n  \"processor\": ", quoted(processor()), ",\n  \"mcpu\": ", quoted(report.cpu),
                          ",\n  \"rounds\": ", report.rounds, ",\n  \"programs\": [\n");
    for (std::size_t i = 0; i < report.rows.size(); ++i)
        out += json_row(report, report.rows[i]) + (i + 1 < report.rows.size() ? ",\n" : "\n");
    out += "  ],\n  \"geomeans\": {";
    for (std::size_t i = 0; i < report.contestants.size(); ++i)
        out += cat(i ? ", " : "", quoted(report.contestants[i]),
                   ": {\"clang_o3\": ", real(geomean_ratio(report, i, false)),
                   ", \"better_native\": ", real(geomean_ratio(report, i, true)), "}");
    out += "},\n  \"scale\": [\n";
    for (std::size_t i = 0; i < report.scale.size(); ++i) {
        const ScalePoint& point = report.scale[i];
        out += cat("    {\"engine\": ", quoted(point.engine), ", \"instructions\": ", point.instructions,
                   ", \"ms\": ", real(point.ms), ", \"code_bytes\": ", point.code_bytes, "}",
                   i + 1 < report.scale.size() ? ",\n" : "\n");
    }
    return out + "  ]\n}\n";
}

}  // namespace bpftime::benchmark
