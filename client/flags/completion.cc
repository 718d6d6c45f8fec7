#include "client/flags/completion.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace loadtest {
namespace {

// The names of tests, newest first; nothing when no orchestrator answers.
constexpr char kListTests[] = "loadctl ls -q 2>/dev/null | tail -n +2 | cut -d ' ' -f 1";

// Within single quotes of a shell.
std::string Quoted(std::string_view text) {
  return "'" + absl::StrReplaceAll(std::string(text), {{"'", "'\\''"}}) + "'";
}

std::string Names(const std::vector<CompletedCommand>& commands, const char* separator) {
  std::vector<std::string> names;
  for (const CompletedCommand& command : commands) names.push_back(command.name);
  return absl::StrJoin(names, separator);
}

std::string BashValues(const CompletedFlag& flag) {
  if (flag.takes_file) return "COMPREPLY=($(compgen -f -- \"$cur\"))";
  if (flag.values.empty()) return ":";
  return absl::StrFormat("COMPREPLY=($(compgen -W %s -- \"$cur\"))",
                         Quoted(absl::StrJoin(flag.values, " ")));
}

std::string Bash(const std::vector<CompletedCommand>& commands) {
  std::string script =
      absl::StrFormat(R"sh(# bash completion of loadctl: source <(loadctl completion bash)
_loadctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= flags= words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      %s) command=${COMP_WORDS[i]}; break ;;
    esac
  done
  case "$command $prev" in
)sh",
                      Names(commands, "|"));
  for (const CompletedCommand& command : commands) {
    for (const CompletedFlag& flag : command.flags) {
      if (!flag.takes_value) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : flag.names)
        patterns.push_back(Quoted(command.name + " " + name));
      script += absl::StrFormat("    %s) %s; return ;;\n", absl::StrJoin(patterns, "|"),
                                BashValues(flag));
    }
  }
  script += "  esac\n  case $command in\n";
  for (const CompletedCommand& command : commands) {
    std::vector<std::string> flags;
    for (const CompletedFlag& flag : command.flags) {
      flags.insert(flags.end(), flag.names.begin(), flag.names.end());
    }
    std::string words = Quoted(absl::StrJoin(command.words, " "));
    if (command.takes_tests) words += absl::StrFormat("\" $(%s)\"", kListTests);
    script += absl::StrFormat("    %s) flags=%s; [[ $cur == -* ]] || words=%s ;;\n", command.name,
                              Quoted(absl::StrJoin(flags, " ")), words);
  }
  script += absl::StrFormat("    *) flags='--server --help --version'; words=%s ;;\n",
                            Quoted(Names(commands, " ")));
  script += R"(  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
)";
  std::vector<std::string> with_files;
  for (const CompletedCommand& command : commands) {
    if (command.takes_files) with_files.push_back(command.name);
  }
  script += absl::StrFormat(
      "  case $command in\n    %s) COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n  esac\n",
      absl::StrJoin(with_files, "|"));
  return script + "}\ncomplete -F _loadctl loadctl\n";
}

// In a specification of _arguments these characters are syntax.
std::string ZshHelp(std::string_view text) {
  return absl::StrReplaceAll(std::string(text), {{"[", "\\["}, {"]", "\\]"}, {":", "\\:"}});
}

std::string ZshFlag(const CompletedFlag& flag) {
  std::string action;
  if (flag.takes_value) {
    action = flag.takes_file ? ":file:_files"
             : flag.values.empty()
                 ? ":value: "
                 : absl::StrFormat(":value:(%s)", absl::StrJoin(flag.values, " "));
  }
  std::string text;
  for (const std::string& name : flag.names) {
    text += absl::StrFormat(" \\\n        %s",
                            Quoted(absl::StrFormat("*%s[%s]%s", name, ZshHelp(flag.help), action)));
  }
  return text;
}

std::string Zsh(const std::vector<CompletedCommand>& commands) {
  std::string script = absl::StrReplaceAll(R"sh(#compdef loadctl
# zsh completion of loadctl: source <(loadctl completion zsh), or a file _loadctl in $fpath
_loadctl_tests() {
  local -a tests
  tests=(${(f)"$(LIST_TESTS)"})
  compadd -a tests
}
_loadctl() {
  local state line
  local -a commands
  commands=(
)sh",
                                           {{"LIST_TESTS", kListTests}});
  for (const CompletedCommand& command : commands) {
    script += "    " + Quoted(command.name + ":" + ZshHelp(command.help)) + "\n";
  }
  script += R"sh(  )
  _arguments -C '--server[The orchestrator]:address: ' '--help[Help]' '--version[Version]' \
    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $words[1] in
)sh";
  for (const CompletedCommand& command : commands) {
    script += absl::StrFormat("      %s)\n        _arguments", command.name);
    for (const CompletedFlag& flag : command.flags) script += ZshFlag(flag);
    std::string rest;
    if (command.takes_tests) {
      rest = "*:test:_loadctl_tests";
    } else if (command.takes_files && !command.words.empty()) {
      rest = absl::StrFormat("*: :{_alternative \"words:word:(%s)\" \"files:file:_files\"}",
                             absl::StrJoin(command.words, " "));
    } else if (command.takes_files) {
      rest = "*:file:_files";
    } else if (!command.words.empty()) {
      rest = absl::StrFormat("*:word:(%s)", absl::StrJoin(command.words, " "));
    }
    if (!rest.empty()) script += " \\\n        " + Quoted(rest);
    script += "\n        ;;\n";
  }
  return script + R"sh(      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _loadctl ]; then
  _loadctl "$@"
else
  compdef _loadctl loadctl
fi
)sh";
}

std::string Fish(const std::vector<CompletedCommand>& commands) {
  std::string script =
      absl::StrFormat(R"(# fish completion of loadctl: loadctl completion fish | source
set -l loadctl_commands %s
complete -c loadctl -f
complete -c loadctl -l server -x -d 'The orchestrator'
complete -c loadctl -l help -d Help
complete -c loadctl -l version -d Version
)",
                      Names(commands, " "));
  for (const CompletedCommand& command : commands) {
    script += absl::StrFormat(
        "complete -c loadctl -n \"not __fish_seen_subcommand_from $loadctl_commands\" -a %s -d "
        "%s\n",
        command.name, Quoted(command.help));
    const std::string here =
        absl::StrFormat("complete -c loadctl -n '__fish_seen_subcommand_from %s'", command.name);
    for (const CompletedFlag& flag : command.flags) {
      std::string line = here;
      for (const std::string& name : flag.names) {
        line += name.substr(0, 2) == "--" ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (flag.takes_file) {
        line += " -r -F";
      } else if (flag.takes_value) {
        line += " -x";
        if (!flag.values.empty()) line += " -a " + Quoted(absl::StrJoin(flag.values, " "));
      }
      script += line + " -d " + Quoted(flag.help) + "\n";
    }
    if (!command.words.empty()) {
      script += here + " -a " + Quoted(absl::StrJoin(command.words, " ")) + "\n";
    }
    if (command.takes_tests) {
      script += here + absl::StrFormat(" -a \"(%s)\"\n", kListTests);
    }
    if (command.takes_files) script += here + " -F\n";
  }
  return script;
}

}  // namespace

std::string CompletionScript(std::string_view shell,
                             const std::vector<CompletedCommand>& commands) {
  if (shell == "bash") return Bash(commands);
  if (shell == "zsh") return Zsh(commands);
  return Fish(commands);
}

}  // namespace loadtest
