# Warnings, sanitizers and the helper functions that every CMakeLists.txt of the project uses.

add_library(bpftime-options INTERFACE)
target_compile_options(bpftime-options INTERFACE
  "$<BUILD_INTERFACE:-Wall;-Wextra;-Wshadow;-Wno-missing-field-initializers;$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Woverloaded-virtual>>")
target_compile_features(bpftime-options INTERFACE cxx_std_23)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH bpftime_root)  # also for projects other than the top one
target_include_directories(bpftime-options INTERFACE $<BUILD_INTERFACE:${bpftime_root}>
                           $<INSTALL_INTERFACE:include/bpftime>)
target_compile_definitions(bpftime-options INTERFACE $<BUILD_INTERFACE:BPFTIME_VERSION="${PROJECT_VERSION}">)
if(BPFTIME_SANITIZE)
  target_compile_options(bpftime-options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                         -fno-omit-frame-pointer)
  target_link_options(bpftime-options INTERFACE -fsanitize=address,undefined)
endif()
if(BPFTIME_FUZZ)
  target_compile_options(bpftime-options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# bpftime_library(NAME sources... [LINK libs...]): a static library of the project.
function(bpftime_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC bpftime-options ${ARG_LINK})
endfunction()

# add_unit_test(NAME sources... [LINK libs...] [LABELS labels...]): a Catch2 program, run by CTest as one test.
function(add_unit_test name)
  cmake_parse_arguments(ARG "" "" "LINK;LABELS" ${ARGN})
  add_executable(test-${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(test-${name} PRIVATE bpftime-options bpftime-catch ${ARG_LINK})
  set_target_properties(test-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  add_test(NAME ${name} COMMAND test-${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" SKIP_RETURN_CODE 77)
endfunction()
