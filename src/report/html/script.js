(function(){
var tools=document.getElementById("tools"),rows=document.querySelectorAll("#changes tbody tr");
if(!tools||!rows.length)return;
var box=document.getElementById("search"),only=document.getElementById("only"),said=document.getElementById("said");
function show(){
var words=box.value.toLowerCase().split(/\s+/).filter(Boolean),shown=0;
rows.forEach(function(row){
var text=row.textContent.toLowerCase();
var on=(!only.checked||row.dataset.removal==="yes")&&words.every(function(word){return text.indexOf(word)>=0});
row.hidden=!on;
if(on)shown++;
});
said.textContent=shown===rows.length?"":shown+" of "+rows.length+" shown";
}
tools.hidden=false;
box.addEventListener("input",show);
only.addEventListener("change",show);
})();
