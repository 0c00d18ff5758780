#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>

#include "vm/core/disasm.h"
#include "vm/core/disasm_pattern.h"
#include "vm/core/helpers.h"

namespace bpftime {

namespace {

enum class TokenKind : std::uint8_t { Word, Register, Number, Punctuation, Hole, End };

struct Token {
    TokenKind kind = TokenKind::End;
    std::string_view text;     // of a hole: its name
    std::uint64_t number = 0;  // of a number its magnitude, of a register its number
};

bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '$'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }

// "r7", "w10": a letter and nothing but digits.
bool is_register(std::string_view word) {
    return word.size() >= 2 && word.size() <= 3 && (word[0] == 'r' || word[0] == 'w') &&
           std::ranges::all_of(word.substr(1), is_digit);
}

std::optional<std::uint64_t> parse_magnitude(std::string_view text) {
    const int base = text.starts_with("0x") || text.starts_with("0X") ? 16 : 10;
    if (base == 16) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Splits a statement, or a pattern with its {holes}, into tokens; the last one is End.
Result<std::vector<Token>> tokenise(std::string_view text) {
    std::vector<Token> tokens;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == ' ' || c == '\t' || c == '\r') {
            ++at;
            continue;
        }
        std::size_t end = at + 1;
        Token token{.kind = TokenKind::Punctuation, .text = {}};
        if (c == '{') {
            end = text.find('}', at);
            if (end == std::string_view::npos) return fail(failure("stray '{'"));
            token.kind = TokenKind::Hole;
            token.text = text.substr(at + 1, end++ - at - 1);
        } else if (is_word(c)) {
            while (end < text.size() && is_word(text[end])) ++end;
            token.text = text.substr(at, end - at);
            token.kind = is_digit(c) ? TokenKind::Number : is_register(token.text) ? TokenKind::Register : TokenKind::Word;
            if (token.kind != TokenKind::Word) {
                const auto digits = token.kind == TokenKind::Register ? token.text.substr(1) : token.text;
                const auto value = parse_magnitude(digits);
                if (!value) return fail(failure("'", token.text, "' is not a number of at most 64 bits"));
                token.number = *value;
            }
        } else {
            token.text = text.substr(at, 1);
        }
        tokens.push_back(token);
        at = end;
    }
    tokens.push_back(Token{});
    return tokens;
}

// What a statement refers to by name, resolved when all labels have their slots.
struct Fixup {
    std::uint32_t slot;
    std::uint32_t line;
    std::string_view label;
};

using Labels = std::unordered_map<std::string_view, std::int64_t>;  // slot, or -1 while it is not reached yet

// Matches the tokens of one statement against one pattern.
class Matcher {
public:
    Matcher(const std::vector<Token>& tokens, const Labels& labels, Op op) : tokens_(tokens), labels_(labels) {
        insn.op = op;
    }

    // True when the whole statement fits; then `insn` is complete but for `label`.
    bool match(const std::vector<Token>& pattern) {
        for (const Token& want : pattern) {
            const bool fits = want.kind == TokenKind::Hole ? hole(want.text) : literal(want);
            if (!fits) return false;
        }
        return true;
    }

    Insn insn;
    std::string_view label;  // target that the distance awaits
    std::size_t at = 0;      // first token that does not fit
    std::string problem;     // an operand that fits in shape but not in range

private:
    const Token& token() const { return tokens_[at]; }
    bool is(std::string_view punctuation) const {
        return token().kind == TokenKind::Punctuation && token().text == punctuation;
    }

    bool literal(const Token& want) {
        if (token().kind != want.kind || token().text != want.text) {
            // "0x1" in a pattern stands for the value, however it is written.
            if (want.kind != TokenKind::Number || token().kind != want.kind || token().number != want.number) return false;
        }
        if (want.kind != TokenKind::End) ++at;
        return true;
    }

    bool reg(std::string_view name) {
        const char letter = token().kind == TokenKind::Register ? token().text[0] : '\0';
        const bool any = name[0] == 'n' || name[0] == 'h';
        if (letter == '\0' || (!any && letter != name[0])) return false;
        if (token().number >= kRegisters) {
            problem = cat("register ", token().text, " does not exist");
            return false;
        }
        const auto number = static_cast<std::uint8_t>(token().number);
        std::uint8_t& field = name[1] == 'd' ? insn.dst : insn.src;
        // A register that a pattern names twice must be the same both times.
        if ((seen_ >> (name[1] == 'd') & 1) && field != number) {
            problem = cat("register ", token().text, " differs from the one before");
            return false;
        }
        seen_ |= static_cast<std::uint8_t>(1 << (name[1] == 'd'));
        field = number;
        ++at;
        return true;
    }

    // [+-]number in [low, high]; the upper half of the unsigned range stands for negative numbers where high allows it.
    std::optional<std::int64_t> number(std::int64_t low, std::uint64_t high, const char* what) {
        const bool signed_token = is("-") || is("+");
        const bool negative = is("-");
        const Token& digits = tokens_[at + (signed_token ? 1 : 0)];
        if (digits.kind != TokenKind::Number) return std::nullopt;
        const bool fits = negative ? digits.number <= 0 - static_cast<std::uint64_t>(low) : digits.number <= high;
        if (!fits) {
            problem = cat(what, " ", negative ? "-" : "", digits.text, " is out of range");
            return std::nullopt;
        }
        at += signed_token ? 2 : 1;
        return static_cast<std::int64_t>(negative ? 0 - digits.number : digits.number);
    }

    bool immediate() {
        const auto value = number(std::numeric_limits<std::int32_t>::min(), UINT32_MAX, "immediate");
        if (!value) return false;
        insn.imm = static_cast<std::int32_t>(*value);
        return true;
    }

    bool wide_immediate() {
        if (is("&") && tokens_[at + 1].kind == TokenKind::Word) {  // address of a subprogram
            ++at;
            label = tokens_[at++].text;
            insn.op = Op::LddwCodeAddr;
            return true;
        }
        const auto value = number(std::numeric_limits<std::int64_t>::min(), UINT64_MAX, "immediate");
        if (!value) return false;
        insn.imm = *value;
        return true;
    }

    // Nothing, or a signed displacement.
    bool displacement() {
        if (!is("+") && !is("-")) return true;
        const auto value = number(INT16_MIN, INT16_MAX, "displacement");
        if (value) insn.off = static_cast<std::int32_t>(*value);
        return value.has_value();
    }

    bool indirect() {
        if (!is("+") && !is("-")) return true;
        return immediate();
    }

    // objdump's <symbol+0x10> behind a target says nothing that the distance does not say.
    void skip_symbol() {
        if (!is("<")) return;
        std::size_t end = at;
        while (tokens_[end].kind != TokenKind::End && tokens_[end].text != ">") ++end;
        if (tokens_[end].kind != TokenKind::End) at = end + 1;
    }

    bool distance() {
        if (token().kind == TokenKind::Word && labels_.contains(token().text)) {
            label = tokens_[at++].text;
        } else {
            if (!is("+") && !is("-")) return false;
            const bool wide = insn.op == Op::Ja32 || insn.op == Op::CallLocal;
            const auto value = wide ? number(INT32_MIN, INT32_MAX, "distance") : number(INT16_MIN, INT16_MAX, "distance");
            if (!value) return false;
            insn.off = static_cast<std::int32_t>(*value);
        }
        skip_symbol();
        return true;
    }

    bool helper_id() {
        if (token().kind == TokenKind::Number) {
            const auto value = number(0, UINT32_MAX, "helper");
            if (value) insn.imm = static_cast<std::int32_t>(*value);
            return value.has_value();
        }
        if (token().kind != TokenKind::Word || labels_.contains(token().text)) return false;
        const HelperInfo* row = helper(token().text);
        if (!row) {
            if (token().text != "kfunc") problem = cat("'", token().text, "' is neither a label nor a helper");
            return false;
        }
        insn.imm = row->id;
        ++at;
        return true;
    }

    // id [, btf index]
    bool kernel_function() {
        if (!immediate()) return false;
        if (!is(",")) return true;
        ++at;
        const auto value = number(INT16_MIN, INT16_MAX, "BTF index");
        if (value) insn.off = static_cast<std::int32_t>(*value);
        return value.has_value();
    }

    // low half [, high half], as 32-bit numbers
    bool payload() {
        const auto low = number(std::numeric_limits<std::int32_t>::min(), UINT32_MAX, "constant");
        if (!low) return false;
        std::uint64_t bits = static_cast<std::uint32_t>(*low);
        if (insn.op == Op::LddwCodeAddr) {
            insn.imm = static_cast<std::int32_t>(*low);
            return true;
        }
        if (is(",")) {
            ++at;
            const auto high = number(std::numeric_limits<std::int32_t>::min(), UINT32_MAX, "constant");
            if (!high) return false;
            bits |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(*high)) << 32;
        }
        insn.imm = static_cast<std::int64_t>(bits);
        return true;
    }

    bool half(int shift) {
        const auto value = number(0, UINT16_MAX, "address space");
        if (value) insn.imm |= *value << shift;
        return value.has_value();
    }

    bool hole(std::string_view name) {
        if (name.size() == 2) return reg(name);
        switch (name[0]) {
            case 'i':
            case 'c': return immediate();
            case 'm': return displacement();
            case 'j': return distance();
            case 'l': return wide_immediate();
            case 'p': return payload();
            case 'h': return helper_id();
            case 'k': return kernel_function();
            case 'a': return half(16);
            case 'b': return half(0);
            case 'x': return indirect();
            default: return false;
        }
    }

    const std::vector<Token>& tokens_;
    const Labels& labels_;
    std::uint8_t seen_ = 0;  // bit 1: dst, bit 0: src
};

struct Pattern {
    Op op;
    std::vector<Token> tokens;
};

// The patterns by how a statement begins, so that few are tried: its first token, and the second where the first is a register.
std::uint32_t pattern_key(const std::vector<Token>& tokens) {
    const Token& first = tokens[0];
    const bool is_reg = first.kind == TokenKind::Register || (first.kind == TokenKind::Hole && first.text.size() == 2);
    if (!is_reg) return first.kind == TokenKind::End ? 0 : static_cast<std::uint8_t>(first.text[0]);
    const Token& second = tokens[1];
    return 256 + (second.text.empty() ? 0 : static_cast<std::uint8_t>(second.text[0]));
}

using PatternIndex = std::map<std::uint32_t, std::vector<Pattern>>;

const PatternIndex& pattern_index() {
    static const PatternIndex index = [] {
        PatternIndex patterns;
        for (std::size_t i = 0; i + 1 < kOpCount; ++i) {
            const auto op = static_cast<Op>(i);
            auto tokens = tokenise(detail::text_pattern(op, Syntax::Llvm));
            if (tokens) patterns[pattern_key(*tokens)].push_back({op, std::move(*tokens)});
        }
        return patterns;
    }();
    return index;
}

// A line of the source without its comment, slot number ("12:") and surrounding blanks.
struct Statement {
    std::uint32_t line;
    std::vector<std::string_view> labels;
    std::string_view text;
};

std::string_view trim(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

Statement parse_line(std::string_view text, std::uint32_t line) {
    Statement statement{.line = line, .labels = {}, .text = {}};
    text = text.substr(0, std::min({text.size(), text.find_first_of("#;"), text.find("//")}));
    text = trim(text);
    for (;;) {
        const auto colon = text.find(':');
        if (colon == std::string_view::npos) break;
        const std::string_view name = trim(text.substr(0, colon));
        if (name.empty() || !std::ranges::all_of(name, is_word)) break;
        if (!std::ranges::all_of(name, is_digit)) statement.labels.push_back(name);
        text = trim(text.substr(colon + 1));
    }
    statement.text = text;
    return statement;
}

class Assembler {
public:
    Result<std::vector<Insn>> run(std::string_view text) {
        BPFTIME_CHECK(split(text));
        for (const Statement& statement : statements_) {
            for (const std::string_view name : statement.labels) labels_[name] = static_cast<std::int64_t>(insns_.size());
            if (!statement.text.empty()) BPFTIME_CHECK(assemble(statement));
        }
        for (const Fixup& fixup : fixups_) BPFTIME_CHECK(resolve(fixup));
        return std::move(insns_);
    }

private:
    static std::unexpected<Error> error(std::uint32_t line, std::string_view text) {
        return fail(failure("line ", line, ": ", text));
    }

    Status split(std::string_view text) {
        std::uint32_t line = 0;
        while (!text.empty()) {
            const auto end = std::min(text.find('\n'), text.size());
            Statement statement = parse_line(text.substr(0, end), ++line);
            text.remove_prefix(std::min(end + 1, text.size()));
            for (const std::string_view name : statement.labels)
                if (!labels_.emplace(name, -1).second) return error(line, cat("label '", name, "' is defined twice"));
            if (!statement.labels.empty() || !statement.text.empty()) statements_.push_back(std::move(statement));
        }
        return {};
    }

    Status assemble(const Statement& statement) {
        auto tokens = tokenise(statement.text);
        if (!tokens) return error(statement.line, tokens.error().cause);
        const auto candidates = pattern_index().find(pattern_key(*tokens));
        std::size_t furthest = 0;
        std::string problem;
        if (candidates != pattern_index().end()) {
            for (const Pattern& pattern : candidates->second) {
                Matcher matcher(*tokens, labels_, pattern.op);
                if (matcher.match(pattern.tokens)) return append(matcher, statement.line);
                furthest = std::max(furthest, matcher.at);
                if (!matcher.problem.empty()) problem = matcher.problem;
            }
        }
        return error(statement.line, problem.empty() ? describe(statement, (*tokens)[furthest]) : problem);
    }

    std::string describe(const Statement& statement, const Token& token) const {
        if (token.kind == TokenKind::End) return cat("'", statement.text, "' is not complete");
        const bool target = token.kind == TokenKind::Word && token.text.data() != statement.text.data();
        const char* hint = target && !labels_.contains(token.text) ? " (no such label)" : "";
        return cat("'", statement.text, "' is not an instruction: '", token.text, "' does not fit", hint);
    }

    Status append(const Matcher& matcher, std::uint32_t line) {
        const auto slot = static_cast<std::uint32_t>(insns_.size());
        const bool wide = info(matcher.insn.op).family == Family::Lddw;
        if (slot + (wide ? 2 : 1) > kMaxInsns) return error(line, cat("the program has more than ", kMaxInsns, " instructions"));
        if (!matcher.label.empty()) fixups_.push_back({slot, line, matcher.label});
        insns_.push_back(matcher.insn);
        if (wide) insns_.push_back(Insn{.op = Op::LddwHigh});
        return {};
    }

    Status resolve(const Fixup& fixup) {
        const auto found = labels_.find(fixup.label);
        if (found == labels_.end()) return error(fixup.line, cat("label '", fixup.label, "' is not defined"));
        Insn& insn = insns_[fixup.slot];
        const std::int64_t distance = found->second - fixup.slot - 1;
        if (insn.op == Op::LddwCodeAddr) {
            insn.imm = distance;
            return {};
        }
        const bool wide = insn.op == Op::Ja32 || insn.op == Op::CallLocal;
        if (!wide && (distance < INT16_MIN || distance > INT16_MAX))
            return error(fixup.line, cat("label '", fixup.label, "' is ", distance, " instructions away; use gotol"));
        insn.off = static_cast<std::int32_t>(distance);
        return {};
    }

    std::vector<Statement> statements_;
    Labels labels_;
    std::vector<Fixup> fixups_;
    std::vector<Insn> insns_;
};

}  // namespace

Result<std::vector<Insn>> assemble(std::string_view text) { return Assembler().run(text); }

}  // namespace bpftime
