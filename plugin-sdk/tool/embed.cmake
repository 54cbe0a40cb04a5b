# SPDX-License-Identifier: Apache-2.0
# cmake -DOUT=<file.c> -DFROM=<directory> -DFILES=<names, joined by ,> -P embed.cmake
# Turns files into one C table of bytes: struct template_file of template.h.
string(REPLACE "," ";" FILES "${FILES}")
set(arrays "")
set(rows "")
set(i 0)
foreach(name IN LISTS FILES)
  file(READ ${FROM}/${name} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char file_${i}[] = {\n${bytes}};\n\n")
  string(APPEND rows "    {\"${name}\", (const char *)file_${i}, sizeof file_${i}},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE ${OUT}.new "/* Made by embed.cmake. */\n#include \"template.h\"\n\n${arrays}"
  "const struct template_file template_files[] = {\n${rows}    {0, 0, 0},\n};\n")
file(RENAME ${OUT}.new ${OUT})
