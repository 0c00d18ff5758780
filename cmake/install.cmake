# `make install` and the CMake package: find_package(bpftime) gives bpftime::bpftime (the C and C++ API; bpftime::bpftime-static the
# same as an archive), bpftime::rt for C drivers, and the parts of the project by name.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(libraries bpftime-options bpftime-core bpftime-interpreter bpftime-ubpf bpftime-linker-core bpftime-linker bpftime-compiler
    bpftime-maps bpftime-helpers bpftime-registry bpftime-bpf-calls bpftime-loader)
foreach(library ${libraries})
  string(REPLACE "bpftime-" "" short ${library})
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${short})
endforeach()
install(TARGETS ${libraries} EXPORT bpftime-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET bpftime-llvm)  # where LLVM was found
  install(TARGETS bpftime-llvm LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET bpftime-syscall-server)  # not with sanitizers
  install(TARGETS bpftime-syscall-server LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(TARGETS bpftime-aot bpftimetool bpftime-conformance-plugin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# Headers keep their paths under include/bpftime, which is the libraries' include directory.
foreach(header
    vm/interpreter/interpreter.h vm/ubpf-jit/ubpf_jit.h vm/llvm-jit/compiler.h vm/linker/abi.h vm/linker/linker.h
    vm/linker/metadata.h runtime/maps/map.h runtime/maps/pages.h runtime/maps/user_ops.h runtime/helpers/helpers.h runtime/loader/elf_loader.h)
  get_filename_component(directory ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bpftime/${directory})
endforeach()
install(DIRECTORY vm/core/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bpftime/vm/core
        FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/bpftime)
install(EXPORT bpftime-targets NAMESPACE bpftime:: DESTINATION ${package})
install(EXPORT bpftime-api-targets NAMESPACE bpftime:: DESTINATION ${package})
configure_package_config_file(cmake/bpftime-config.cmake.in ${CMAKE_BINARY_DIR}/bpftime-config.cmake
  INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/bpftime-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/bpftime-config.cmake ${CMAKE_BINARY_DIR}/bpftime-config-version.cmake DESTINATION ${package})
