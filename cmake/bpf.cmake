# add_bpf_program(NAME SOURCE [MCPU v3] [DEFINES MACRO...]): compiles SOURCE to ${CMAKE_BINARY_DIR}/bpf/NAME.bpf.o with clang, as target bpf-NAME.
find_program(BPF_CLANG NAMES clang-19 clang REQUIRED)

function(add_bpf_program name source)
  cmake_parse_arguments(ARG "" "MCPU" "DEFINES" ${ARGN})
  list(TRANSFORM ARG_DEFINES PREPEND "-D")
  if(NOT ARG_MCPU)
    set(ARG_MCPU v3)
  endif()
  set(object ${CMAKE_BINARY_DIR}/bpf/${name}.bpf.o)
  get_filename_component(source ${source} ABSOLUTE)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/bpf)
  add_custom_command(OUTPUT ${object}
    COMMAND ${BPF_CLANG} -target bpf -mcpu=${ARG_MCPU} -g -O2 -Wall ${ARG_DEFINES}
            -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -MD -MF ${object}.d -c ${source} -o ${object}
    DEPENDS ${source} DEPFILE ${object}.d VERBATIM)
  add_custom_target(bpf-${name} ALL DEPENDS ${object})
endfunction()
