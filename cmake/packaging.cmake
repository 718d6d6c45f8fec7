# What `cmake --install` puts where, and the Debian package of it (cpack -G DEB).
include(GNUInstallDirs)
set(GENERATED_DOCS ${CMAKE_BINARY_DIR}/packaging)

# Manual pages and completions come from the programs themselves.
find_program(GZIP gzip REQUIRED)
string(TIMESTAMP TODAY "%Y-%m-%d" UTC)
add_custom_command(OUTPUT ${GENERATED_DOCS}/man/loadctl.1.gz
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${GENERATED_DOCS}/man
  COMMAND ${CMAKE_COMMAND} -DBIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY} -DOUT=${GENERATED_DOCS}/man -DVERSION=${PROJECT_VERSION} -DDATE=${TODAY} -DGZIP=${GZIP}
    -P ${CMAKE_SOURCE_DIR}/packaging/man/man_page.cmake
  DEPENDS loadctl orchestrator driver target ${CMAKE_SOURCE_DIR}/packaging/man/man_page.cmake
  COMMENT "Manual pages")
set(COMPLETIONS)
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${GENERATED_DOCS}/loadctl.${shell}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${GENERATED_DOCS}
    COMMAND loadctl completion ${shell} > ${GENERATED_DOCS}/loadctl.${shell}
    DEPENDS loadctl)
  list(APPEND COMPLETIONS ${GENERATED_DOCS}/loadctl.${shell})
endforeach()
add_custom_target(man_pages ALL DEPENDS ${GENERATED_DOCS}/man/loadctl.1.gz ${COMPLETIONS})

install(TARGETS loadctl orchestrator driver target RUNTIME)
foreach(section 1 7)
  install(DIRECTORY ${GENERATED_DOCS}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
    FILES_MATCHING PATTERN "*.${section}.gz")
endforeach()
install(FILES ${GENERATED_DOCS}/loadctl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME loadctl)
install(FILES ${GENERATED_DOCS}/loadctl.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _loadctl)
install(FILES ${GENERATED_DOCS}/loadctl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
# Not LIBDIR, which on Debian is the folder of one architecture.
install(DIRECTORY packaging/systemd/ DESTINATION lib/systemd/system FILES_MATCHING PATTERN "*.service")
install(FILES README.md config.json DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN "*.md" PATTERN "report.schema.json")
install(DIRECTORY examples/plans packaging/kubernetes monitoring DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
# The contract, for whoever makes stubs.
install(DIRECTORY proto/loadtest DESTINATION ${CMAKE_INSTALL_DATADIR}/loadtest/proto FILES_MATCHING PATTERN "*.proto")

# The rest is of the Debian package alone: what it must have, and its settings in /etc.
set(DEBIAN ${CMAKE_SOURCE_DIR}/packaging/debian)
string(TIMESTAMP NOW "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(CPACK_PACKAGE_CONTACT "loadtest maintainers <loadtest@localhost>" CACHE STRING "NAME <ADDRESS> that the Debian package names as its maintainer")
file(WRITE ${GENERATED_DOCS}/doc/changelog
  "loadtest (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * Version ${PROJECT_VERSION}.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${NOW}\n")
execute_process(COMMAND ${GZIP} -9nf ${GENERATED_DOCS}/doc/changelog COMMAND_ERROR_IS_FATAL ANY)
configure_file(${DEBIAN}/copyright ${GENERATED_DOCS}/doc/copyright COPYONLY)

set(CPACK_PACKAGE_NAME loadtest)
set(CPACK_PACKAGE_VENDOR loadtest)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "load tests for web servers that scale out over Kafka")
set(CPACK_PACKAGE_DESCRIPTION
  "An orchestrator plans tests and coordinates drivers through Kafka, or through
a broker of its own; drivers send HTTP load; loadctl is the command line.
Latency counts from when a request was due, and the percentiles of all drivers
are merged exactly.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# Folders here are relative to the root of the package.
set(CPACK_INSTALLED_DIRECTORIES ${CMAKE_SOURCE_DIR}/packaging/etc etc ${GENERATED_DOCS}/doc usr/share/doc/loadtest)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${DEBIAN}/postinst ${DEBIAN}/prerm ${DEBIAN}/postrm ${DEBIAN}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Dependencies are found from the programs (dpkg-shlibdeps).
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
include(CPack)
