# house_web(target): builds web/ with node (web/build.mjs) and compiles the result into a library of ours;
# pool/http/assets.h says how it is reached. What it takes from npm is installed once per build folder, and again when
# web/package-lock.json changes: after that no build asks the network for anything.
#
# WEB_NODE_MODULES names a folder with those packages already in it (`npm ci` of web/), for a machine without npm's network.
set(WEB_NODE_MODULES "" CACHE PATH "node_modules with the packages of web/package-lock.json; empty: npm ci at build time")

function(house_web target)
  find_program(NODE NAMES node nodejs)
  if(NOT NODE)
    message(FATAL_ERROR "The stats page is built with node, which is not here. Debian: apt-get install nodejs npm; or ./run setup")
  endif()
  set(web ${CMAKE_SOURCE_DIR}/web)
  set(modules ${WEB_NODE_MODULES})
  set(ready "")
  if(NOT modules)
    find_program(NPM NAMES npm)
    if(NOT NPM)
      message(FATAL_ERROR "The stats page takes uPlot and esbuild from npm, which is not here. Debian: apt-get install npm; "
        "or name a folder that has them with -D WEB_NODE_MODULES=…/node_modules")
    endif()
    set(modules ${CMAKE_BINARY_DIR}/web/node_modules)
    set(ready ${CMAKE_BINARY_DIR}/web/installed)
    add_custom_command(OUTPUT ${ready}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/web
      COMMAND ${CMAKE_COMMAND} -E copy ${web}/package.json ${web}/package-lock.json ${CMAKE_BINARY_DIR}/web
      COMMAND ${NPM} ci --prefix ${CMAKE_BINARY_DIR}/web --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
      COMMAND ${CMAKE_COMMAND} -E touch ${ready}
      DEPENDS ${web}/package.json ${web}/package-lock.json
      COMMENT "Installing uPlot and esbuild from npm" VERBATIM)
  endif()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/web_assets.cpp)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/*.html ${web}/*.css ${web}/*.js ${web}/*.mjs ${web}/*.svg)
  list(FILTER sources EXCLUDE REGEX "_test\\.mjs$")
  add_custom_command(OUTPUT ${out}
    COMMAND ${NODE} ${web}/build.mjs ${modules} ${out}
    DEPENDS ${sources} ${ready}
    COMMENT "Bundling the stats page" VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
