
(function(){"use strict";
var all=[].slice.call(document.querySelectorAll(".finding[data-steps]")),used=all[0],root=document.documentElement;
function each(list,act){[].forEach.call(list,act)}
function go(s,n,focus,quiet){
var most=+s.dataset.steps;n=Math.max(0,Math.min(most,n));used=s;s.dataset.at=n;
each(s.querySelectorAll("[data-step]"),function(e){
var own=+e.dataset.step;
e.classList.toggle("future",own>n);
e.classList.toggle("here",own===n);
if(e.tagName==="LI"||e.tagName==="TR"){if(own===n){e.setAttribute("aria-current","step")}else{e.removeAttribute("aria-current")}}});
var item=document.getElementById(s.id+"-step-"+n);
s.querySelector(".count").textContent=n+" / "+most;
if(quiet){return}
s.querySelector(".live").textContent=n?"Step "+n+" of "+most+": "+item.textContent:"Before the first step";
if(focus&&item){item.focus({preventScroll:false})}
history.replaceState(null,"","#"+s.id+(n?"-step-"+n:""))}
function at(s){return +s.dataset.at}
function here(){var a=document.activeElement,s=a&&a.closest?a.closest(".finding[data-steps]"):null;return s||used}
function theme(){
var dark=root.dataset.theme?root.dataset.theme==="dark":matchMedia("(prefers-color-scheme: dark)").matches;
root.dataset.theme=dark?"light":"dark"}
function link(){
var m=/^#(f\d+)-step-(\d+)$/.exec(location.hash),s=m&&document.getElementById(m[1]);
if(s&&s.dataset.steps){go(s,+m[2],true)}}
all.forEach(function(s){
s.querySelector(".bar").hidden=false;
go(s,+s.dataset.steps,false,true);
s.querySelector(".first").onclick=function(){go(s,0)};
s.querySelector(".back").onclick=function(){go(s,at(s)-1)};
s.querySelector(".next").onclick=function(){go(s,at(s)+1)};
s.querySelector(".last").onclick=function(){go(s,+s.dataset.steps)};
each(s.querySelectorAll("li[data-step]"),function(e){e.onclick=function(){go(s,+e.dataset.step)}})});
each(document.querySelectorAll(".keys"),function(e){e.hidden=false});
document.querySelector(".theme").onclick=theme;
addEventListener("hashchange",link);
document.addEventListener("keydown",function(e){
if(e.ctrlKey||e.metaKey||e.altKey){return}
var s=here(),k=e.key,n;
if(k==="t"){theme();return}
if(!s){return}
if(k==="ArrowRight"||k==="ArrowDown"||k==="j"){n=at(s)+1}
else if(k==="ArrowLeft"||k==="ArrowUp"||k==="k"){n=at(s)-1}
else if(k==="Home"){n=0}
else if(k==="End"){n=+s.dataset.steps}
else if(/^[0-9]$/.test(k)){n=+k}
else{return}
if(document.activeElement&&/scrolls/.test(document.activeElement.className)&&/^Arrow/.test(k)){return}
e.preventDefault();go(s,n,true)});
link()})();
