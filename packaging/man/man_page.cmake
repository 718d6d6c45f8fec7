# Writes the manual pages from what the programs say themselves.
#   cmake -DBIN=FOLDER -DOUT=FOLDER -DVERSION=V -DDATE=YYYY-MM-DD -DGZIP=PROGRAM -P man_page.cmake
# OUT gets loadctl.1.gz, loadctl-COMMAND.1.gz, loadctl-TOPIC.7.gz, orchestrator.1.gz, driver.1.gz, target.1.gz.

function(run_program output)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE text RESULT_VARIABLE failed ERROR_VARIABLE error)
  if(failed)
    message(FATAL_ERROR "${ARGN}: ${failed} ${error}")
  endif()
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

# A page is the text as it stands, so that it says the same as --help.
function(write_page name section summary text)
  foreach(variable summary text)
    string(REPLACE "\\" "\\e" ${variable} "${${variable}}")
    string(REPLACE "-" "\\-" ${variable} "${${variable}}")
    # A dot or a quote at the start of a line would be a request of troff.
    string(REGEX REPLACE "(^|\n)([.'])" "\\1\\\\&\\2" ${variable} "${${variable}}")
  endforeach()
  string(TOUPPER "${name}" title)
  string(REPLACE "-" "\\-" quoted "${name}")
  file(WRITE "${OUT}/${name}.${section}"
    ".TH ${title} ${section} ${DATE} \"loadtest ${VERSION}\" \"loadtest\"\n"
    ".SH NAME\n${quoted} \\- ${summary}\n.SH DESCRIPTION\n.nf\n${text}\n.fi\n")
  execute_process(COMMAND "${GZIP}" -9nf "${OUT}/${name}.${section}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# "  name    summary" lines of `help` between a title and the next empty line -> names, summaries.
function(listed help title names summaries)
  string(REGEX MATCH "\n${title}[^\n]*\n(  [^\n]*\n)+" block "${help}")
  string(REGEX MATCHALL "\n  [a-z][a-z-]* +[^\n]*" lines "${block}")
  set(found)
  set(texts)
  foreach(line IN LISTS lines)
    string(REGEX MATCH "\n  ([a-z-]+) +(.*)" line "${line}")
    list(APPEND found "${CMAKE_MATCH_1}")
    string(REPLACE ";" "," summary "${CMAKE_MATCH_2}")
    list(APPEND texts "${summary}")
  endforeach()
  if(NOT found)
    message(FATAL_ERROR "no \"${title}\" in: ${help}")
  endif()
  set(${names} "${found}" PARENT_SCOPE)
  set(${summaries} "${texts}" PARENT_SCOPE)
endfunction()

run_program(help "${BIN}/loadctl" help)
write_page(loadctl 1 "run load tests through an orchestrator" "${help}")
string(REPLACE ";" "," help "${help}")
listed("${help}" "Subcommands:" commands summaries)
foreach(command summary IN ZIP_LISTS commands summaries)
  run_program(text "${BIN}/loadctl" ${command} --help)
  write_page(loadctl-${command} 1 "${summary}" "${text}")
endforeach()
listed("${help}" "Topics" topics summaries)
foreach(topic summary IN ZIP_LISTS topics summaries)
  run_program(text "${BIN}/loadctl" help ${topic})
  write_page(loadctl-${topic} 7 "${summary}" "${text}")
endforeach()
foreach(program "orchestrator;plan load tests and coordinate drivers" "driver;send load"
                "target;a web server with known behaviour")
  list(GET program 0 name)
  list(GET program 1 summary)
  run_program(text "${BIN}/${name}" --help)
  write_page(${name} 1 "${summary}" "${text}")
endforeach()
