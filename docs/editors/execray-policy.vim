" SPDX-License-Identifier: Apache-2.0
" Vim syntax file
" Language: execrayd policies (*.policy, NAME.policy.d/*.conf)
"
" Put it into ~/.vim/syntax/execray-policy.vim, and into ~/.vim/filetype.vim or ~/.vimrc:
"       autocmd BufNewFile,BufRead *.policy,*.policy.d/*.conf setfiletype execray-policy
"       autocmd FileType execray-policy setlocal commentstring=#\ %s formatprg=execrayctl\ fmt\ - makeprg=execrayctl\ check\ %
"
" There are no reserved words in the language: a word is highlighted where it stands as what it is.

if exists('b:current_syntax')
  finish
endif
let s:cpo_save = &cpo
set cpo&vim

syn case match

" A kind of event, or a macro that is defined: the word before a brace.
syn match   execrayKind         /\<[A-Za-z_][A-Za-z0-9_.]*\>\ze\s*{/
syn match   execrayKind         /\<[A-Za-z_][A-Za-z0-9_.]*\>\ze\s\+as\s\+\$\w\+\s*{/
syn match   execrayField        /\<\%(proc\|parent\|ancestor\)\.[A-Za-z_][A-Za-z0-9_.]*\>/

syn match   execrayDefinition   /\<path\>\ze\s*["']/
syn match   execrayDefinition   /\<list\>\ze\s\+\w/
syn match   execrayDefinition   /\<macro\>\ze\s\+\w/

syn match   execrayProperty     /^\s*\zs\<\%(description\|severity\|mitre\|by\|within\|suppress\|on_loss\|respond\|score\|decay\|enforce\)\>\ze\s*=/
syn keyword execrayValue        info low medium high critical tree descent container user host flag alert skip none kill deny unlimited true false
syn match   execrayValue        /\<by\s*=\s*\zs\%(process\|unit\)\>/

syn match   execrayStatement    /\<\%(any\|all\|ancestor\)\>\ze\s*{/
syn match   execrayStatement    /\<block\>\ze\s*["']/
syn match   execrayStatement    /\<\%(within\|repeat\)\>\ze\s\+\d/
syn match   execrayStatement    /\<\%(distinct\|no\|until\)\>\ze\s\+\w/
syn match   execrayStatement    /\<on\s\+step\>\ze\s\+\d/
syn match   execrayStatement    /\<respond\>\ze\s*=\?\s*\[/
syn match   execrayStatement    /\<except\>\ze\s*[{"']/
syn match   execrayStatement    /\<except\>\ze\s\+\%(owner\|expires\)\>/
syn match   execrayStatement    /\<\%(owner\|expires\)\>\ze\s*["']/
syn match   execrayStatement    /\<as\>\ze\s\+\$/
syn match   execrayStatement    /\<per\>\ze\s\+\d/
syn match   execrayRelation     /\<\%(child\|sibling\|descendant\)\s\+of\>\ze\s\+\$/
syn match   execrayRelation     /\<same\s\+\%(process\|file\|pipe\|unit\)\s\+as\>\ze\s\+\$/

syn keyword execrayOperator     and or not in glob startswith endswith contains
syn match   execrayOperator     /\<has\s\+all\>/
syn match   execrayOperator     /\<any\>\ze\s\+\w/
syn match   execrayOperator     /==\|!=\|<=\|>=\|=\~\|!\~\|\~=\|+=\|[=<>&|?:]/
syn match   execrayRepetition   /\.\.\.\?/

syn match   execrayConstant     /\<-\?\%([A-Z]\+_[A-Z0-9_]\+\|E[A-Z0-9]\{2,\}\|SIG[A-Z0-9]\+\)\>/
syn match   execrayNumber       /\<\d[0-9A-Za-z]*\%(\.\d[0-9A-Za-z]*\)\?\>/
syn match   execrayAddress      /\<\d\{1,3}\%(\.\d\{1,3}\)\{2,3}\%(\/\d\+\)\?\>/
syn match   execrayAddress      /\<\x\{1,4}:[0-9A-Fa-f:.]*\%(\/\d\+\)\?/
syn match   execrayPoints       /+\d\+\>/
syn match   execrayCapture      /\$[A-Za-z_][A-Za-z0-9_]*/

syn match   execrayEscape       contained /\\\%([abefnrtv\\"'?]\|x\x\x\|\o\{1,3}\)/
syn match   execrayBadEscape    contained /\\\%([abefnrtv\\"'?]\|x\x\x\|\o\{1,3}\)\@!./
syn region  execrayString       start=/"/ skip=/\\./ end=/"/ oneline contains=execrayEscape,execrayBadEscape
syn region  execrayRaw          start=/'/ end=/'/ oneline
syn keyword execrayTodo         contained TODO FIXME XXX
syn match   execrayComment      /#.*$/ contains=execrayTodo,@Spell
syn match   execrayComment      "//.*$" contains=execrayTodo,@Spell

hi def link execrayKind         Function
hi def link execrayField        Identifier
hi def link execrayDefinition   Structure
hi def link execrayProperty     Type
hi def link execrayValue        Constant
hi def link execrayStatement    Statement
hi def link execrayRelation     Statement
hi def link execrayOperator     Operator
hi def link execrayRepetition   Repeat
hi def link execrayConstant     Constant
hi def link execrayNumber       Number
hi def link execrayAddress      Number
hi def link execrayPoints       Number
hi def link execrayCapture      Identifier
hi def link execrayEscape       SpecialChar
hi def link execrayBadEscape    Error
hi def link execrayString       String
hi def link execrayRaw          String
hi def link execrayTodo         Todo
hi def link execrayComment      Comment

let b:current_syntax = 'execray-policy'
let &cpo = s:cpo_save
unlet s:cpo_save
